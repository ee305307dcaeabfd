"""A checkpoint to be examined, read leniently: any part may be missing, and parts may contradict each other.

Files that cannot be read become findings. Everything else is judged by the modules in `checks`.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vocabx._util.json_file import is_there, read_object
from vocabx.checkpoint.architectures import Architecture
from vocabx.checkpoint.tables import StoredTables
from vocabx.commands.doctor.finding import Finding
from vocabx.commands.doctor.new_tokens import NewTokens, find_new
from vocabx.commands.doctor.view import leading, leads, read_stated
from vocabx.commands.doctor.weights import read_weights
from vocabx.errors import TokenizerError, VocabxError
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import parse_model, read_model
from vocabx.tokenizer.tiktoken_file import is_tiktoken

# In the third naming, sentencepiece.bpe.model, positions are not ids: fairseq shifted them by one.
MODEL_NAMES = ("tokenizer.model", "spiece.model")


@dataclass(frozen=True, eq=False)
class CheckpointFiles:
    """The content of a directory, as its files state it.

    Attributes:
        directory: the directory.
        config: the parsed config.json, empty if there is none.
        settings: the parsed tokenizer_config.json, empty if there is none.
        weights: the embedding matrices, None if none can be found.
        architecture: the architecture by which they were found, None if only names told.
        stated: the tokenizer of tokenizer.json, None if there is none of a known family.
        model: the bytes of the SentencePiece model, None if there is none.
        model_name: the name of its file.
        tokenizer: the tokenizer that takes precedence if the two files disagree; see `view`.
        base: the tokenizer of the base, None if unknown.
        base_config: the config.json of the base, empty if unknown.
        base_directory: where that is, None if unknown.
        generation: the parsed generation_config.json, empty if there is none.
        new: the pieces that the base lacks.
        damage: findings about files that cannot be read.
    """

    directory: Path
    config: dict[str, Any]
    settings: dict[str, Any]
    weights: StoredTables | None
    architecture: Architecture | None
    stated: FastTokenizer | None
    model: bytes | None
    model_name: str
    tokenizer: FastTokenizer | None
    base: FastTokenizer | None
    base_config: dict[str, Any]
    base_directory: Path | None
    generation: dict[str, Any]
    new: NewTokens
    damage: tuple[Finding, ...]

    @cached_property
    def proto(self) -> Any:
        """The parsed SentencePiece model, or None."""
        return None if self.model is None else parse_model(self.model)

    @cached_property
    def led_by_model(self) -> bool:
        """Whether pieces and their order are taken from the SentencePiece model."""
        return self.model is not None and (self.stated is None or leads(self.proto, self.stated))

    def rewritten(self, tokenizer: FastTokenizer, model: bytes | None) -> "CheckpointFiles":
        """These files with another tokenizer."""
        if model != self.model and hasattr(tokenizer, "model"):
            tokenizer = replace(tokenizer, model=model, added=())  # type: ignore[call-arg]
        return replace(self, tokenizer=tokenizer, stated=tokenizer, model=model)


def read_checkpoint_files(
    directory: Path, base: Path | None, new: NewTokens | None = None
) -> CheckpointFiles:
    """Read a directory and, if given, the base it extends.

    Args:
        directory: a directory with weights, a tokenizer, or both.
        base: a model directory or a tokenizer file.
        new: the new pieces, if already known.

    Raises:
        VocabxError: if the directory does not exist, holds neither, or the base has no tokenizer.
    """
    if not directory.is_dir():
        raise VocabxError(
            f"{directory} is not a directory: pass the directory of a checkpoint or of a tokenizer"
        )
    damage: list[Finding] = []
    config = _read_json(directory / "config.json", "fatal", damage)
    settings = _read_json(directory / "tokenizer_config.json", "wrong", damage)
    weights, architecture, bad = read_weights(directory, config)
    damage += bad
    model, name = _read_model(directory, damage)
    stated = read_stated(directory, model, damage)
    try:
        tokenizer = leading(directory, stated, model, settings)
    except TokenizerError as error:
        sentence, remedy = f"{name} has no counterpart: {error}.", f"{name} is not examined."
        damage.append(Finding(name, "note", sentence, remedy=remedy))
        tokenizer, model = stated, None
    if not damage and tokenizer is None and weights is None:
        raise VocabxError(
            f"{directory} holds no tokenizer.json, no tokenizer.model and no safetensors: nothing to examine"
        )
    before = None if base is None else read_tokenizer(base)
    if before is not None and tokenizer is not None and before.family != tokenizer.family:
        raise VocabxError(
            f"{directory} holds a {tokenizer.family} tokenizer and {base} a {before.family} one: "
            "pass the extended base with --base"
        )
    return CheckpointFiles(
        directory=directory,
        config=config,
        settings=settings,
        weights=weights,
        architecture=architecture,
        stated=stated,
        model=model,
        model_name=name,
        tokenizer=tokenizer,
        base=before,
        base_config=_base_config(base),
        base_directory=base,
        generation=_read_json(directory / "generation_config.json", "wrong", damage),
        new=_new(stated, tokenizer, model, before) if new is None else new,
        damage=tuple(damage),
    )


def _read_json(path: Path, severity: Any, damage: list[Finding]) -> dict[str, Any]:
    try:
        return read_object(path, VocabxError, "get this file again") if is_there(path) else {}
    except VocabxError:
        damage.append(Finding(path.name, severity, f"{path.name} is damaged.", remedy="Get this file again."))
        return {}


def _read_model(directory: Path, damage: list[Finding]) -> tuple[bytes | None, str]:
    for name in MODEL_NAMES:
        path = directory / name
        if not path.is_file() or is_tiktoken(path):
            continue
        try:
            read_model(path)
            return path.read_bytes(), name
        except TokenizerError as error:
            remedy = "Download this file again."
            damage.append(Finding(name, "fatal", f"{name} cannot be read: {error}.", remedy=remedy))
    return None, MODEL_NAMES[0]


def _base_config(base: Path | None) -> dict[str, Any]:
    return {} if base is None else _read_json(base / "config.json", "note", [])


def _new(
    stated: FastTokenizer | None,
    tokenizer: FastTokenizer | None,
    model: bytes | None,
    base: FastTokenizer | None,
) -> NewTokens:
    led = model is not None and (stated is None or leads(parse_model(model), stated))
    return find_new(tokenizer, model if led else None, base)
