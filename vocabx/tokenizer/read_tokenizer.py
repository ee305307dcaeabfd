"""Tokenizers from their files: a model directory, a tokenizer.json, a SentencePiece .model."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from vocabx.errors import TokenizerError
from vocabx.tokenizer.families import family_of
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.families.unigram import UnigramTokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.sentencepiece_model import read_model
from vocabx.tokenizer.tiktoken_file import is_tiktoken

_WITH_MODEL = (SentencePieceTokenizer, UnigramTokenizer)
# What SentencePiece models are called in model directories.
# (XLM-R's sentencepiece.bpe.model is not among them: its ids are not those of the tokenizer.)
MODEL_NAMES = ("tokenizer.model", "spiece.model")


def read_tokenizer(path: str | Path) -> FastTokenizer:
    """Read a tokenizer.

    Args:
        path: a directory with a tokenizer.json or a SentencePiece model, or one of these files. Where a
            directory has both, tokenizer.json says how text is cut and the model is kept beside it.

    Raises:
        TokenizerError: there is none, it is damaged, or it is of no family that can be extended.
    """
    path = Path(path)
    if path.is_dir():
        return _read_directory(path)
    if not path.is_file():
        raise TokenizerError(f"there is no {path}: pass a directory, a tokenizer.json or a .model file")
    return _read_json(path, None) if path.suffix == ".json" else _read_model(path, {})


def _read_directory(directory: Path) -> FastTokenizer:
    model = next((directory / name for name in MODEL_NAMES if (directory / name).is_file()), None)
    if (directory / "tokenizer.json").is_file():
        return _read_json(directory / "tokenizer.json", model)
    if model is None:
        raise TokenizerError(
            f"{directory} has no tokenizer.json and no tokenizer.model: it holds no tokenizer"
        )
    return _read_model(model, read_config(directory))


def read_config(directory: Path) -> dict[str, Any]:
    """The tokenizer_config.json of a directory, empty when there is none.

    Raises:
        TokenizerError: it is damaged.
    """
    path = directory / "tokenizer_config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        raise TokenizerError(f"{path} is not JSON: download the base again") from None
    if not isinstance(config, dict):
        raise TokenizerError(f"{path} is not a configuration: download the base again")
    return config


def _read_json(path: Path, model: Path | None) -> FastTokenizer:
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
        Tokenizer.from_str(json.dumps(spec))
    except Exception as error:  # The Rust side raises bare Exception for every damaged file.
        raise TokenizerError(f"{path} cannot be read as a tokenizer: {error}") from None
    family = family_of(spec)
    if isinstance(family, str):
        raise TokenizerError(
            f"{path} is a {family} tokenizer: vocabx extends byte-level BPE, SentencePiece BPE, Unigram and "
            "WordPiece"
        )
    if model is None or is_tiktoken(model) or not issubclass(family, _WITH_MODEL):
        return family(spec)
    read_model(model)
    return family(spec, model.read_bytes())


def _read_model(path: Path, config: dict[str, Any]) -> FastTokenizer:
    if is_tiktoken(path):
        raise TokenizerError(
            f"{path} is a tiktoken file, which does not say how text is cut into words: pass the model's "
            "tokenizer.json (as --donor it will do)"
        )
    model = read_model(path)
    # The slow classes add what a model of theirs begins with; T5's has nothing and adds what it ends with.
    begins = model.trainer_spec.bos_id >= 0
    spec = spec_of(
        model, bool(config.get("add_bos_token", begins)), bool(config.get("add_eos_token", not begins))
    )
    family = UnigramTokenizer if spec["model"]["type"] == "Unigram" else SentencePieceTokenizer
    return family(spec, path.read_bytes())
