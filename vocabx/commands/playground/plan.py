"""The plan of a playground: both tokenizers, their embedding matrices, and a text to begin with."""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from vocabx._util.extras import require_all
from vocabx.checkpoint.base import base_packages, find_tokenizer_base
from vocabx.checkpoint.manifest import Manifest, read_manifest
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.recorded import require_base_directory
from vocabx.checkpoint.tables import Checkpoint
from vocabx.commands.playground.options import PlaygroundOptions
from vocabx.commands.playground.sample import first_text
from vocabx.commands.playground.tokenized import Segmenter, new_ids
from vocabx.errors import BaseModelError, TokenizerError, VocabxError
from vocabx.progress import Progress
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

# Each with the extra that installs it.
PACKAGES = {"starlette": "playground", "uvicorn": "playground"}


@dataclass(frozen=True)
class Model:
    """One of the two models of a playground.

    Attributes:
        name: as the page shows it.
        segmenter: its tokenizer, which tokenizes what is typed.
        checkpoint: its embedding matrices; None where there are none to be read.
        without: why there are none, in one sentence without a full stop, or "".
    """

    name: str
    segmenter: Segmenter
    checkpoint: Checkpoint | None
    without: str


@dataclass(frozen=True)
class PlaygroundPlan:
    """What a playground shows.

    Attributes:
        extended: the model of the directory.
        base: the base, None where it was not found.
        base_name: the recorded or given name of the base.
        without_base: why the base was not found, in one sentence without a full stop, or "".
        language: BCP 47 tag of the new tokens, "" if unknown.
        new_tokens: number of tokens that the base lacks.
        text: the text that the page begins with; may be empty.
    """

    extended: Model
    base: Model | None
    base_name: str
    without_base: str
    language: str
    new_tokens: int
    text: str


def check_playground(options: PlaygroundOptions) -> Manifest | None:
    """Check what needs no tokenizer: the packages, the directory and its vocabx.json, which is returned.

    Raises:
        VocabxError: packages or the directory are missing, or no base is recorded or given.
    """
    require_all({**PACKAGES, **(base_packages(options.base, weights=False) if options.base else {})})
    directory = options.directory
    if not directory.is_dir():
        raise TokenizerError(f"{directory} is not a directory: pass the directory of an extended checkpoint")
    manifest = read_manifest(directory)
    if manifest is None and not options.base:
        raise TokenizerError(f"{directory} does not record its base: pass --base with the base")
    return manifest


def make_playground_plan(
    options: PlaygroundOptions, manifest: Manifest | None, progress: Progress
) -> PlaygroundPlan:
    """Read both tokenizers and the headers of both models.

    A recorded base that is not on this machine, or is another by now, is left out, and the plan says why.

    Args:
        options: the options of the command.
        manifest: see `check_playground`.
        progress: receives downloads of the base, and what is left out.

    Raises:
        VocabxError: there is no tokenizer, or --base names one that is not there or not the recorded one.
    """
    directory = options.directory
    with progress.stage("Reading the tokenizer"):
        extended = read_tokenizer(directory)
    found = _find_base(options, manifest, progress)
    base = None if isinstance(found, str) else found
    new = _new_ids(extended, base[1] if base else None, manifest)
    language = manifest.language if manifest else ""
    base_name = options.base or (manifest.base.name if manifest else "")
    return PlaygroundPlan(
        extended=_model(directory.resolve().name, directory, extended, new),
        base=_model(base_name, *base, frozenset()) if base else None,
        base_name=base_name,
        without_base=found if isinstance(found, str) else "",
        # No attribute of HTML names several languages.
        language=language if language != "und" and "," not in language else "",
        new_tokens=len(new),
        text=first_text(directory, language),
    )


def _find_base(
    options: PlaygroundOptions, manifest: Manifest | None, progress: Progress
) -> tuple[Path, FastTokenizer] | str:
    """The directory and tokenizer of the base, or why a recorded one is left out."""
    if options.base:
        return _read_base(options.base, options.directory, progress)
    assert manifest is not None
    obstacle = "its name is not recorded"
    for name in manifest.base.names:
        try:
            return _read_base(name, options.directory, progress)
        except VocabxError as error:
            obstacle = str(error)
    progress.note(f"The base is left out: {obstacle}.")
    return obstacle


def _read_base(name: str, directory: Path, progress: Progress) -> tuple[Path, FastTokenizer]:
    found = find_tokenizer_base(name, progress)
    with progress.stage("Checking the base's embeddings"):
        require_base_directory(directory, found.directory)
    return found.directory, read_tokenizer(found.directory)


def _new_ids(extended: FastTokenizer, base: FastTokenizer | None, manifest: Manifest | None) -> Set[int]:
    """The ids of the tokens that the base lacks; without the base, those that vocabx.json records."""
    if base is not None:
        return new_ids(base, extended)
    ranges = manifest.ranges if manifest else ()
    spans = (range(part.first_id, part.first_id + part.count) for part in ranges if part.source != "pad")
    return frozenset(index for span in spans for index in span)


def _model(name: str, directory: Path, tokenizer: FastTokenizer, new: Set[int]) -> Model:
    checkpoint, without = None, ""
    if not (directory / "config.json").is_file() or not any(directory.glob("*.safetensors")):
        without = f"{directory} holds a tokenizer and no safetensors weights"
    else:
        try:
            checkpoint = read_checkpoint(directory)
        except BaseModelError as error:
            without = str(error)
    return Model(name, Segmenter(tokenizer, new), checkpoint, without)
