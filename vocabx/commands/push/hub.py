"""A finished directory on the Hugging Face hub: what would be published, whether that may be, and doing it.

Nothing is changed on the way: what is published is the directory, file by file.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vocabx._util.version import VERSION
from vocabx.checkpoint.tables import INDEX, SINGLE
from vocabx.commands.push.plan import CARD, PushPlan, check_repository, one_line
from vocabx.errors import OutputError
from vocabx.progress import Progress, Quiet

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def check_login(name: str, later: bool = True) -> None:
    """Ask the hub who we are and whether we may write to `name`, so that long work does not end in a refusal.

    Args:
        name: the repository, which need not exist.
        later: whether publishing comes after other work, so that it can be left for later.

    Raises:
        OutputError: the name is none, nobody is logged in, the hub cannot be reached, or it is known that we
            may not write there.
    """
    check_repository(name)
    advice = f"; or leave --push-to-hub out, and `vocabx push DIR --to {name}` later" if later else ""
    with _told(name, advice):
        who = _api().whoami()
        if not isinstance(who, dict) or not isinstance(who.get("name"), str):
            raise ValueError("no answer of a hub")
    reason = _why_not(who, name)
    if reason:
        raise OutputError(f"cannot publish {name}: {reason}{advice}")


def publish(plan: PushPlan, directory: Path, progress: Progress | None = None) -> str:
    """Publish `directory` as planned, and return the URL.

    Makes the repository where there is none. Files of the same name are replaced there, and others stay.

    Args:
        plan: of this directory; exactly its files are sent.
        directory: the directory.
        progress: told what is sent and what the hub says of the card. huggingface_hub draws the bars.

    Raises:
        OutputError: the hub cannot be reached or refuses it; or the repository exists, and is public where
            it is to be private, or holds other weights that would be loaded.
    """
    progress = progress or Quiet()
    api = _api()
    advice = f"; {directory} is whole: run `vocabx push {directory} --to {plan.repository}` again"
    with _told(plan.repository, advice):
        # None leaves the choice to the settings of an organisation, which may make everything private.
        url = api.create_repo(plan.repository, private=plan.private or None, exist_ok=True)
        _check_remote(api.repo_info(url.repo_id), plan, url)
        progress.note(f"Publishing {len(plan.files)} files, {plan.bytes / 1e6:,.1f} MB, at {url}")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            _upload(api, plan, directory, url.repo_id)
    for warning in said:
        if CARD in str(warning.message):
            progress.note(one_line(str(warning.message)))
    return str(url)


def _check_remote(info: Any, plan: PushPlan, url: str) -> None:
    """Refuse a repository whose state would make what is published something else than was asked."""
    # `private` is not heeded where the repository exists.
    if plan.private and not info.private:
        raise OutputError(
            f"{url} exists and everybody can see it: choose another name, make it private in its settings, "
            "or leave --private out"
        )
    planned = {file.name for file in plan.files}
    there = {file.rfilename for file in info.siblings or ()}
    # transformers would take it, and leave the index aside.
    if INDEX in planned and SINGLE in there - planned:
        raise OutputError(
            f"{url} holds {SINGLE} of another checkpoint, which would be loaded in place of the shards of "
            "this one: remove it there, or choose another name"
        )


def _upload(api: "HfApi", plan: PushPlan, directory: Path, repository: str) -> None:
    # huggingface_hub recommends upload_folder: one commit of some dozen files, a refusal is an error at once,
    # and with hf_xet an upload that broke off goes on where it was. upload_large_folder is for thousands of
    # files: it makes many commits without our message, writes a cache into the directory, tries again for
    # ever when storage is refused, and is gone from huggingface_hub 2.
    api.upload_folder(
        repo_id=repository,
        folder_path=directory,
        commit_message=plan.message,
        allow_patterns=[escape(file.name) for file in plan.files],
    )


def _api() -> "HfApi":
    from huggingface_hub import HfApi

    # huggingface_hub reads the variable once, when it is imported.
    return HfApi(
        endpoint=os.environ.get("HF_ENDPOINT", "").rstrip("/") or None,
        library_name="vocabx",
        library_version=VERSION,
    )


def _why_not(who: dict[str, Any], repository: str) -> str:
    """Why we may not write to a repository, as far as the hub's answer tells; "" where nothing forbids it."""
    user = str(who["name"])
    organisations = {str(one.get("name", "")).lower(): one for one in who.get("orgs") or ()}
    owner = repository.rpartition("/")[0].lower()
    if owner and owner != user.lower():
        if owner not in organisations:
            others = ", ".join(sorted(str(one.get("name")) for one in organisations.values()))
            mine = f"{user} or one of {others}" if others else user
            return f"you are {user} there, and no member of {repository.partition('/')[0]}; publish as {mine}"
        if organisations[owner].get("roleInOrg") == "read":
            return f"you may only read in {repository.partition('/')[0]}: ask for the right to write"
    token = (who.get("auth") or {}).get("accessToken") or {}
    if token.get("role") == "read" or (token.get("role") == "fineGrained" and not _may_write(token)):
        return (
            "your token can only read: make one that can write at https://huggingface.co/settings/tokens and "
            "log in with it, `hf auth login`"
        )
    return ""


def _may_write(token: dict[str, Any]) -> bool:
    """Whether a fine-grained token may write any repository; true where the answer has another form."""
    scopes = (token.get("fineGrained") or {}).get("scoped")
    if not isinstance(scopes, list):
        return True
    return any("repo.write" in (scope.get("permissions") or ()) for scope in scopes)


@contextmanager
def _told(repository: str, advice: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into one line.

    Args:
        repository: where we write.
        advice: the end of the line, where trying again helps.
    """
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    # huggingface_hub has changed the library below it twice; its errors are always the first base.
    transport: Any = HfHubHTTPError.__bases__[0]
    reason = ""
    try:
        yield
    except KeyboardInterrupt as error:
        if advice:
            error.add_note(advice.removeprefix("; "))
        raise
    except LocalTokenNotFoundError:
        reason = "nobody is logged in: log in with `hf auth login`"
    except OfflineModeIsEnabled:
        reason = "HF_HUB_OFFLINE forbids it: unset it"
    except HfHubHTTPError as error:
        reason = _refusal(error, repository)
    except transport:
        reason = "the hub cannot be reached"
    except OSError as error:
        if error.filename:
            reason = f"cannot read {error.filename}: {error.strerror}"
        else:
            # Of hf_xet, which sends the weights, and calls every answer that it does not like one of these.
            reason = f"the hub cannot be reached, or refused the files: {one_line(str(error))}"
    except RuntimeError as error:
        reason = f"sending the files failed: {one_line(str(error))}"
    except ValueError as error:
        invalid = str(error).startswith("Invalid metadata")
        reason = one_line(str(error)) if invalid else "what answered is no hub: check HF_ENDPOINT"
    if reason:
        raise OutputError(f"cannot publish {repository}: {reason}{advice}")


def _refusal(error: Any, repository: str) -> str:
    status = error.response.status_code
    told = error.server_message or error.response.headers.get("X-Error-Message") or ""
    message = one_line(told).rstrip(".")
    said = f": {message}" if message else ""
    if status == 401:
        return "the hub does not take your token: log in again with `hf auth login`, and mind HF_TOKEN"
    if status == 403:
        # Also said where storage is full; then the message tells.
        return f"the hub forbids it{said or ': check that your token may write there'}"
    if status == 404:
        return f"the hub knows no such owner, or does not let you see it{said}"
    if status == 429:
        return "the hub has had too many requests: wait some minutes"
    return f"the hub answered {status}{said}"
