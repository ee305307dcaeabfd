"""Publishing a finished directory on the Hugging Face hub: checking permissions, and uploading.

The files are published unchanged.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vocabx._util.version import VERSION
from vocabx.checkpoint.safetensors_file import INDEX
from vocabx.checkpoint.tables import SINGLE
from vocabx.commands.push.plan import CARD, PushPlan, check_repository, one_line
from vocabx.errors import OutputError
from vocabx.progress import Progress, Quiet

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def check_login(name: str, later: bool = True) -> None:
    """Ask the hub who is logged in and whether they may write to `name`, before any long work.

    Args:
        name: the repository, which need not exist.
        later: whether publishing follows other work and can be postponed.

    Raises:
        OutputError: if the name is invalid, nobody is logged in, the hub cannot be reached, or writing there
            is known to be forbidden.
    """
    check_repository(name)
    advice = f"; or omit --push-to-hub, and run `vocabx push DIR --to {name}` later" if later else ""
    with _one_line_errors(name, advice):
        who = _api().whoami()
        if not isinstance(who, dict) or not isinstance(who.get("name"), str):
            raise ValueError("not the answer of a hub")
    reason = _why_not(who, name)
    if reason:
        raise OutputError(f"cannot publish {name}: {reason}{advice}")


def publish(plan: PushPlan, directory: Path, progress: Progress | None = None) -> str:
    """Publish `directory` as planned, and return the URL.

    Creates the repository if it does not exist. Files of the same name are replaced there; others stay.

    Args:
        plan: the plan of this directory; exactly its files are uploaded.
        directory: the directory.
        progress: receives notes on the upload and on warnings of the hub. huggingface_hub shows the bars.

    Raises:
        OutputError: if the hub cannot be reached or refuses; or if the repository exists and is public
            although a private one was requested, or holds other weights that would be loaded.
    """
    progress = progress or Quiet()
    api = _api()
    advice = f"; {directory} is complete: run `vocabx push {directory} --to {plan.repository}` again"
    with _one_line_errors(plan.repository, advice):
        # None leaves the choice to the settings of an organization, which may make everything private.
        url = api.create_repo(plan.repository, private=plan.private or None, exist_ok=True)
        _check_remote(api.repo_info(url.repo_id), plan, url)
        progress.note(f"Publishing {len(plan.files)} files, {plan.bytes / 1e6:,.1f} MB, to {url}")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            _upload(api, plan, directory, url.repo_id)
    for warning in caught:
        if CARD in str(warning.message):
            progress.note(one_line(str(warning.message)))
    return str(url)


def _check_remote(info: Any, plan: PushPlan, url: str) -> None:
    """Refuse an existing repository that would be public, or would load other weights."""
    # The hub ignores `private` if the repository exists.
    if plan.private and not info.private:
        raise OutputError(
            f"{url} exists and is public: choose another name, make it private in its settings, or omit "
            "--private"
        )
    planned = {file.name for file in plan.files}
    there = {file.rfilename for file in info.siblings or ()}
    # transformers would load it and ignore the index.
    if INDEX in planned and SINGLE in there - planned:
        raise OutputError(
            f"{url} holds {SINGLE} of another checkpoint, which would be loaded instead of these shards: "
            "remove it there, or choose another name"
        )


def _upload(api: "HfApi", plan: PushPlan, directory: Path, repository: str) -> None:
    # huggingface_hub recommends upload_folder here: one commit for a few dozen files, immediate errors, and
    # with hf_xet an interrupted upload resumes. upload_large_folder is for thousands of files: it makes many
    # commits without our message, writes a cache into the directory, retries forever if storage is refused,
    # and no longer exists in huggingface_hub 2.
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
    """Why writing to a repository is forbidden, as far as the hub's answer says; "" if nothing forbids it."""
    user = str(who["name"])
    organisations = {str(one.get("name", "")).lower(): one for one in who.get("orgs") or ()}
    owner = repository.rpartition("/")[0].lower()
    if owner and owner != user.lower():
        if owner not in organisations:
            others = ", ".join(sorted(str(one.get("name")) for one in organisations.values()))
            mine = f"{user} or one of {others}" if others else user
            owner = repository.partition("/")[0]
            return f"you are logged in as {user}, who is not a member of {owner}; publish as {mine}"
        if organisations[owner].get("roleInOrg") == "read":
            return f"you only have read access to {repository.partition('/')[0]}: ask for write access"
    token = (who.get("auth") or {}).get("accessToken") or {}
    if token.get("role") == "read" or (token.get("role") == "fineGrained" and not _may_write(token)):
        return (
            "your token is read-only: create one with write access at https://huggingface.co/settings/tokens "
            "and log in with it, `hf auth login`"
        )
    return ""


def _may_write(token: dict[str, Any]) -> bool:
    """Whether a fine-grained token may write to any repository; true if the answer has an unknown form."""
    scopes = (token.get("fineGrained") or {}).get("scoped")
    if not isinstance(scopes, list):
        return True
    return any("repo.write" in (scope.get("permissions") or ()) for scope in scopes)


@contextmanager
def _one_line_errors(repository: str, advice: str) -> Iterator[None]:
    """Turn the exceptions of huggingface_hub into one line.

    Args:
        repository: the repository written to.
        advice: appended to the message if trying again may help.
    """
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    # huggingface_hub has changed its HTTP library twice; that library's error is always the first base class.
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
        reason = "HF_HUB_OFFLINE is set: unset it"
    except HfHubHTTPError as error:
        reason = _refusal(error, repository)
    except transport:
        reason = "the hub cannot be reached"
    except OSError as error:
        if error.filename:
            reason = f"cannot read {error.filename}: {error.strerror}"
        else:
            # From hf_xet, which uploads the weights and raises this for every unexpected answer.
            reason = f"the hub cannot be reached, or refused the files: {one_line(str(error))}"
    except RuntimeError as error:
        reason = f"the upload failed: {one_line(str(error))}"
    except ValueError as error:
        invalid = str(error).startswith("Invalid metadata")
        reason = one_line(str(error)) if invalid else "the server is not a hub: check HF_ENDPOINT"
    if reason:
        raise OutputError(f"cannot publish {repository}: {reason}{advice}")


def _refusal(error: Any, repository: str) -> str:
    status = error.response.status_code
    text = error.server_message or error.response.headers.get("X-Error-Message") or ""
    message = one_line(text).rstrip(".")
    details = f": {message}" if message else ""
    if status == 401:
        return "the hub rejects your token: log in again with `hf auth login`, and check HF_TOKEN"
    if status == 403:
        # The hub also answers 403 if storage is full; then its message says so.
        return f"the hub forbids it{details or ': check that your token may write there'}"
    if status == 404:
        return f"the hub knows no such owner, or you may not see it{details}"
    if status == 429:
        return "the hub has received too many requests: wait a few minutes"
    return f"the hub answered {status}{details}"
