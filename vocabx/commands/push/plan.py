"""The plan of publishing a finished directory, made from its files without network access."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.links import leads_out, refusal_of
from vocabx._util.version import VERSION
from vocabx.checkpoint.journal import NAME as JOURNAL
from vocabx.checkpoint.manifest import Manifest, read_manifest
from vocabx.checkpoint.model_directory import read_weight_map
from vocabx.checkpoint.safetensors_file import INDEX, read_header
from vocabx.checkpoint.tables import SINGLE
from vocabx.corpus.dropped import FILE as DROPPED
from vocabx.errors import OutputError
from vocabx.report.card import without_directories

CARD = "README.md"
_UNFINISHED = (".unfinished", ".part", ".tmp", ".incomplete")
# Language values that the hub accepts besides ISO 639 codes.
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
        repository: owner/name, or a name in the user's namespace.
        private: whether the repository is to be private.
        files: sorted by name.
        metadata: metadata of the card, as the hub will read it.
        message: the commit message.
        notes: points to consider before publishing, one sentence each.
    """

    repository: str
    private: bool
    files: tuple[PlannedFile, ...]
    metadata: dict[str, Any]
    message: str
    notes: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Total size of the files."""
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
    """Refuse a name that the hub would reject, before any work.

    Raises:
        OutputError: if it is neither owner/name nor a name.
    """
    if not is_repository(name):
        raise OutputError(
            f"{name!r} is not a valid repository name: pass owner/name with letters, digits, '-', '_' and "
            "'.', such as somebody/smollm2-zh-Hant"
        )


def plan_push(directory: Path, repository: str, private: bool) -> PushPlan:
    """Plan what publishing `directory` would do, without network access.

    Args:
        directory: a finished checkpoint or tokenizer of vocabx.
        repository: owner/name, or a name in the user's namespace.
        private: whether the repository is to be private.

    Raises:
        OutputError: if the name is invalid; if the directory is unfinished, incomplete or not from vocabx; if
            a link leads out of it; or if the hub would reject its card.
        BaseModelError: if a weight file or vocabx.json is damaged.
    """
    check_repository(repository)
    manifest = _finished(directory)
    _check_whole(directory, manifest)
    metadata = _read_card(directory / CARD)
    return PushPlan(
        repository=repository,
        private=private,
        files=tuple(_files(directory)),
        metadata=metadata,
        message=_message(manifest),
        notes=tuple(_notes(manifest, metadata)),
    )


def is_repository(name: Any) -> bool:
    """Whether a value is a valid repository name on the hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return isinstance(name, str)


def one_line(text: str) -> str:
    """A message of another library as one line, truncated if long."""
    return " ".join(text.split())[:_LONGEST_ANSWER]


def _finished(directory: Path) -> Manifest:
    """The manifest of a finished directory."""
    if not directory.is_dir():
        raise OutputError(f"{directory} is not a directory: pass one that vocabx wrote")
    if directory.resolve().name.endswith(_UNFINISHED[0]) or (directory / JOURNAL).exists():
        raise OutputError(f"{directory} is unfinished: finish it with --resume, and publish the result")
    manifest = read_manifest(directory)
    if manifest is None:
        raise OutputError(f"{directory} has no vocabx.json: pass a directory that vocabx wrote")
    return manifest


def _check_whole(directory: Path, manifest: Manifest) -> None:
    """Refuse a directory that lacks a file listed in vocabx.json or in the index of the weights."""
    names = set(manifest.files)
    if manifest.sizes.rows:
        weights = _weights(directory)
        for name in weights:
            if (directory / name).is_file():
                read_header(directory / name)
        names |= set(weights)
    missing = sorted(name for name in names if not (directory / name).is_file())
    if missing:
        raise OutputError(f"{directory} lacks {', '.join(missing)}: copy the complete directory again")


def _weights(directory: Path) -> Sequence[str]:
    index = directory / INDEX
    if not index.is_file():
        return sorted(path.name for path in directory.glob("*.safetensors")) or [SINGLE]
    return sorted(set(read_weight_map(index, "copy the checkpoint again").values()))


def _files(directory: Path) -> Iterator[PlannedFile]:
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        # Samples of the user's text are for the user alone.
        if hidden or name.name.endswith(_UNFINISHED) or name.name == DROPPED:
            continue
        if path.is_symlink() and path.exists() and leads_out(path, directory):
            raise refusal_of(path, OutputError)
        if path.is_file():
            yield PlannedFile(name.as_posix(), path.stat().st_size)
        elif path.is_symlink() and not path.exists():
            raise OutputError(f"{path} is a broken link: fix or remove it")


def _message(manifest: Manifest) -> str:
    base = without_directories(manifest.base.name) or "a local model"
    what = "another tokenizer" if manifest.transferred else f"{manifest.sizes.new_tokens:,} new tokens"
    return f"{base} with {what} for {manifest.language}, by vocabx {VERSION}"


def _notes(manifest: Manifest, metadata: dict[str, Any]) -> Iterator[str]:
    failed = [claim for claim in manifest.certificate if claim.required and claim.failed]
    if failed:
        yield f"A claim that must hold fails: {failed[0].sentence} The card says so too."
    if not metadata.get("license"):
        yield f"{CARD} names no license: find out what that of the base allows, and add it."
    words = manifest.run.command.replace("=", " ").split()
    if any(word.strip("'\"").startswith(("/", "~")) for word in words):
        yield f"{CARD}, vocabx.json and the report contain the command line, with paths of this machine."


def _read_card(path: Path) -> dict[str, Any]:
    """The metadata of the card, checked as the hub would."""
    from huggingface_hub import ModelCard
    from huggingface_hub.repocard import metadata_load

    if not path.is_file():
        raise OutputError(f"{path.parent} has no {CARD}: write one, which the hub shows as the model card")
    try:
        found = metadata_load(path)
        if found is not None:
            ModelCard.load(path)
    # YAML raises many kinds of errors, and ModelCard a few of its own.
    except Exception as error:
        raise OutputError(f"the metadata of {path} cannot be read: {one_line(str(error))}; fix it") from None
    if not found:
        raise OutputError(f"{path} has no metadata: begin it with a YAML block between two lines of ---")
    wrong = next(_faults(found), "")
    if wrong:
        raise OutputError(f"the hub would reject the metadata of {path}: {wrong}")
    metadata: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return metadata


def _faults(metadata: dict[str, Any]) -> Iterator[str]:
    for name in ("language", "license", "base_model", "tags", "library_name"):
        for value in _values(metadata.get(name)):
            if not isinstance(value, str):
                yield f"{name} holds {value!r}, which YAML does not read as text: put it in quotes"
            elif name == "language" and not _LANGUAGES.fullmatch(value):
                yield f"{name} holds {value!r}: use the ISO 639 code alone, such as zh for zh-Hant"
            elif name == "base_model" and not is_repository(value):
                yield f"{name} holds {value!r}: use the base's owner/name on the hub, or omit it"


def _values(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
