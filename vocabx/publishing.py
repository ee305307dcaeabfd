"""A finished directory on the Hugging Face hub: what would be published, whether that may be, and doing it.

Nothing is changed on the way: what is published is the directory, file by file.
"""

import json
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vocabx.checkpoint.manifest import read_manifest
from vocabx.checkpoint.safetensors_file import read_header
from vocabx.errors import OutputError
from vocabx.progress import Progress, Quiet
from vocabx.report.card import without_directories
from vocabx.version import VERSION

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_CARD = "README.md"
_WEIGHTS = "model.safetensors"
_INDEX = f"{_WEIGHTS}.index.json"
_JOURNAL = "unfinished.jsonl"
_UNFINISHED = (".unfinished", ".part", ".tmp", ".incomplete")
# What the hub takes for a language besides the codes of ISO 639.
_LANGUAGES = re.compile(r"[a-z]{2,3}|code|multilingual")
_LONGEST_ANSWER = 300


@dataclass(frozen=True)
class PlannedFile:
    """A file to publish: its name in the repository, and its size."""

    name: str
    bytes: int


@dataclass(frozen=True)
class PushPlan:
    """What publishing a directory would do.

    Attributes:
        repository: owner/name, or a name below the user's own.
        private: whether nobody else may see it.
        files: in the order of their names.
        metadata: of the card, as the hub will read it.
        message: of the commit.
        notes: what to think over before, a sentence each.
    """

    repository: str
    private: bool
    files: tuple[PlannedFile, ...]
    metadata: dict[str, Any]
    message: str
    notes: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.bytes for file in self.files)

    def describe(self) -> dict[str, Any]:
        """The plan as plain data, ready for JSON."""
        return {
            "repository": self.repository,
            "private": self.private,
            "bytes": self.bytes,
            "files": [{"name": file.name, "bytes": file.bytes} for file in self.files],
            "metadata": self.metadata,
            "message": self.message,
            "notes": list(self.notes),
        }


def check_repository(name: str) -> None:
    """Refuse a name that the hub would not take, before any work.

    Raises:
        OutputError: it is not owner/name or name.
    """
    if not _is_repository(name):
        raise OutputError(
            f"{name!r} is no name on the hub: pass owner/name, of letters, digits, '-', '_' and '.', such as "
            "somebody/smollm2-zh-Hant"
        )


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


def plan_push(directory: Path, repository: str, private: bool) -> PushPlan:
    """Say what publishing `directory` would do. Asks nobody: it works without a network.

    Args:
        directory: a finished checkpoint or tokenizer of vocabx.
        repository: owner/name, or a name below the user's own.
        private: whether nobody else may see it.

    Raises:
        OutputError: the name is none; the directory is unfinished, not of vocabx, or not whole; or the hub
            would not take its card.
        BaseModelError: a file of weights or vocabx.json is damaged.
    """
    check_repository(repository)
    manifest = _finished(directory)
    _check_whole(directory, manifest)
    metadata = _read_card(directory / _CARD)
    return PushPlan(
        repository=repository,
        private=private,
        files=tuple(_files(directory)),
        metadata=metadata,
        message=_message(manifest),
        notes=tuple(_notes(manifest, metadata)),
    )


def push(plan: PushPlan, directory: Path, progress: Progress | None = None) -> str:
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
        if _CARD in str(warning.message):
            progress.note(_line(str(warning.message)))
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
    if _INDEX in planned and _WEIGHTS in there - planned:
        raise OutputError(
            f"{url} holds {_WEIGHTS} of another checkpoint, which would be loaded in place of the shards of "
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


def _is_repository(name: Any) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return isinstance(name, str)


# What the hub says of us.


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
            reason = f"the hub cannot be reached, or refused the files: {_line(str(error))}"
    except RuntimeError as error:
        reason = f"sending the files failed: {_line(str(error))}"
    except ValueError as error:
        invalid = str(error).startswith("Invalid metadata")
        reason = _line(str(error)) if invalid else "what answered is no hub: check HF_ENDPOINT"
    if reason:
        raise OutputError(f"cannot publish {repository}: {reason}{advice}")


def _refusal(error: Any, repository: str) -> str:
    status = error.response.status_code
    message = _line(error.server_message or error.response.headers.get("X-Error-Message") or "").rstrip(".")
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


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_ANSWER]


# What the directory holds.


def _finished(directory: Path) -> dict[str, Any]:
    """The manifest of a finished directory."""
    if not directory.is_dir():
        raise OutputError(f"there is no directory {directory}: pass one that vocabx wrote")
    if directory.resolve().name.endswith(_UNFINISHED[0]) or (directory / _JOURNAL).exists():
        raise OutputError(f"{directory} is unfinished: finish it with --resume, and publish the result")
    manifest = read_manifest(directory)
    if not manifest:
        raise OutputError(f"{directory} has no vocabx.json: pass a directory that vocabx wrote")
    return manifest


def _check_whole(directory: Path, manifest: dict[str, Any]) -> None:
    """Refuse a directory that lacks a file which vocabx.json or the index of the weights names."""
    names = set(_mapping(manifest, "files"))
    if _mapping(manifest, "sizes").get("rows"):
        weights = _weights(directory)
        for name in weights:
            if (directory / name).is_file():
                read_header(directory / name)
        names |= set(weights)
    missing = sorted(name for name in names if not (directory / name).is_file())
    if missing:
        raise OutputError(f"{directory} lacks {', '.join(missing)}: it was not copied whole, or was changed")


def _weights(directory: Path) -> Sequence[str]:
    index = directory / _INDEX
    if not index.is_file():
        return sorted(path.name for path in directory.glob("*.safetensors")) or [_WEIGHTS]
    try:
        return sorted({str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OutputError(f"{index} names no files of weights: it was damaged after it was written") from None


def _files(directory: Path) -> Iterator[PlannedFile]:
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if hidden or name.name.endswith(_UNFINISHED):
            continue
        if path.is_file():
            yield PlannedFile(name.as_posix(), path.stat().st_size)
        elif path.is_symlink() and not path.exists():
            raise OutputError(f"{path} is a link to nothing: mend or remove it")


def _message(manifest: dict[str, Any]) -> str:
    base = without_directories(str(_mapping(manifest, "base").get("name", ""))) or "a local model"
    tokens = _mapping(manifest, "sizes").get("new_tokens")
    replaced = any(one.get("source") == "transferred" for one in manifest.get("ranges") or ())
    what = "another tokenizer" if replaced else f"{tokens:,} new tokens" if tokens else "new tokens"
    return f"{base} with {what} for {manifest.get('language')}, by vocabx {VERSION}"


def _notes(manifest: dict[str, Any], metadata: dict[str, Any]) -> Iterator[str]:
    failed = [one for one in manifest.get("certificate") or () if one.get("required") and one.get("failed")]
    if failed:
        yield f"A claim that must hold fails: {failed[0].get('sentence')} The card says so too."
    if not metadata.get("license"):
        yield f"{_CARD} names no licence: find out what that of the base allows, and add it."
    words = str(_mapping(manifest, "run").get("command", "")).replace("=", " ").split()
    if any(word.strip("'\"").startswith(("/", "~")) for word in words):
        yield f"{_CARD}, vocabx.json and the report hold the command line, with paths of this machine."


def _mapping(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    value = manifest.get(name)
    return value if isinstance(value, dict) else {}


def _read_card(path: Path) -> dict[str, Any]:
    """The metadata of the card, which the hub would take."""
    from huggingface_hub import ModelCard
    from huggingface_hub.repocard import metadata_load

    if not path.is_file():
        raise OutputError(f"{path.parent} has no {_CARD}: write one, the hub shows it as the model's card")
    try:
        found = metadata_load(path)
        if found is not None:
            ModelCard.load(path)
    # YAML fails in many ways, and the class of the card in some of its own.
    except Exception as error:
        raise OutputError(f"the metadata of {path} cannot be read: {_line(str(error))}; mend it") from None
    if not found:
        raise OutputError(f"{path} has no metadata: begin it with a block of YAML between two lines of ---")
    wrong = next(_faults(found), "")
    if wrong:
        raise OutputError(f"the hub would not take the metadata of {path}: {wrong}")
    metadata: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return metadata


def _faults(metadata: dict[str, Any]) -> Iterator[str]:
    for name in ("language", "license", "base_model", "tags", "library_name"):
        for value in _values(metadata.get(name)):
            if not isinstance(value, str):
                yield f"{name} holds {value!r}, which YAML reads as no text: put it into quotes"
            elif name == "language" and not _LANGUAGES.fullmatch(value):
                yield f"{name} holds {value!r}: write the code of ISO 639 alone, as zh for zh-Hant"
            elif name == "base_model" and not _is_repository(value):
                yield f"{name} holds {value!r}: write the base's owner/name on the hub, or leave it out"


def _values(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
