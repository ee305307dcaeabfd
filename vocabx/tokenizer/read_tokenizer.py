"""Reads tokenizers from files: a model directory, a tokenizer.json, or a SentencePiece .model."""

from pathlib import Path
from typing import Any

from vocabx._util.json_file import read_object
from vocabx.errors import TokenizerError
from vocabx.tokenizer.added_tokens import with_added_tokens
from vocabx.tokenizer.class_templates import with_template
from vocabx.tokenizer.families import family_of
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.families.unigram import UnigramTokenizer
from vocabx.tokenizer.fast import MODEL_NAME, FastTokenizer, as_measured, build_rust
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.sentencepiece_model import SPACE, read_model
from vocabx.tokenizer.settings import read_config, read_settings
from vocabx.tokenizer.slow_files import class_of, converted, files_of, with_sentinels
from vocabx.tokenizer.tiktoken_file import is_tiktoken

_WITH_MODEL = (SentencePieceTokenizer, UnigramTokenizer)
# The file names of SentencePiece models in model directories.
# (XLM-R's sentencepiece.bpe.model is not among them: its ids are not those of the tokenizer.)
MODEL_NAMES = ("tokenizer.model", "spiece.model")


def read_tokenizer(path: str | Path) -> FastTokenizer:
    """Read a tokenizer.

    Args:
        path: a directory with a tokenizer.json or a SentencePiece model, or one of these files. If a
            directory has both, tokenizer.json defines the tokenization and the model is kept beside it. Of
            the files of older tokenizers, transformers makes a tokenizer.json, see `slow_files`.

    Raises:
        TokenizerError: the tokenizer is missing, damaged, or of a family that cannot be extended.
    """
    path = Path(path)
    if path.is_dir():
        return _read_directory(path)
    if not path.is_file():
        raise TokenizerError(f"{path} does not exist: pass a directory, a tokenizer.json or a .model file")
    return _read_json(path, None) if path.suffix == ".json" else _read_model(path, {})


def _read_directory(directory: Path) -> FastTokenizer:
    model = next((directory / name for name in MODEL_NAMES if (directory / name).is_file()), None)
    if (directory / "tokenizer.json").is_file():
        return _read_json(directory / "tokenizer.json", model, whole=True)
    name = class_of(read_config(directory), read_settings(directory / "config.json"))
    if model is not None and (model.name == MODEL_NAME or name in ("", "T5")):
        return _read_model(model, read_config(directory), directory, name)
    if not files_of(directory):
        raise TokenizerError(
            f"{directory} holds no tokenizer that vocabx reads: it has neither tokenizer.json nor "
            "tokenizer.model, vocab.txt, or vocab.json with merges.txt; save one with "
            "AutoTokenizer…save_pretrained"
        )
    return _made(_completed(converted(directory), directory), directory, None)


def _completed(spec: dict[str, Any], directory: Path) -> dict[str, Any]:
    """`spec` with the added tokens and the template that the files beside it name."""
    config = read_config(directory)
    special = read_settings(directory / "special_tokens_map.json")
    listed = read_settings(directory / "added_tokens.json")
    name = class_of(config, read_settings(directory / "config.json"))
    try:
        completed = with_template(with_added_tokens(spec, config, special, listed), name, config)
        for token in completed["added_tokens"]:
            if token not in spec["added_tokens"]:
                # Half of a surrogate pair is no text.
                token["content"].encode()
        return completed
    except (AttributeError, TypeError, ValueError):
        raise TokenizerError(
            f"the added tokens in the files of {directory} are damaged: download the base again"
        ) from None


def _read_json(path: Path, model: Path | None, whole: bool = False) -> FastTokenizer:
    """Read a tokenizer.json; `whole` to add what the files beside it name."""
    spec = read_object(path, TokenizerError, "get this file again")
    try:
        rust = build_rust(as_measured(spec))
    except Exception as error:  # The library raises bare exceptions for damaged files.
        raise TokenizerError(f"{path} cannot be read as a tokenizer: {error}") from None
    if whole and (completed := _completed(spec, path.parent)) is not spec:
        spec = completed
        rust = build_rust(as_measured(spec))
    made = _made(spec, path, model)
    # Keep it: it was built above to validate the file.
    made.__dict__["rust"] = rust
    return made


def _made(spec: dict[str, Any], path: Path, model: Path | None) -> FastTokenizer:
    """The tokenizer of its family that `spec` states; errors name `path`."""
    family = family_of(spec)
    if isinstance(family, str):
        raise TokenizerError(
            f"{path} is a {family} tokenizer: vocabx extends byte-level BPE, SentencePiece BPE, BPE over "
            "characters with an unknown token, Unigram and WordPiece"
        )
    if model is None or is_tiktoken(model) or family not in _WITH_MODEL:
        return family(spec)
    read_model(model)
    return family(spec, model.read_bytes())


def _read_model(
    path: Path, config: dict[str, Any], directory: Path | None = None, name: str = ""
) -> FastTokenizer:
    """Read a .model: one file, or that of a `directory` whose tokenizer class is called `name`."""
    if is_tiktoken(path):
        raise TokenizerError(
            f"{path} is a tiktoken file, which has no pre-tokenizer: pass the model's tokenizer.json "
            "(tiktoken files are accepted only as --donor)"
        )
    model = read_model(path)
    # Slow classes add the bos token where the model has one; T5's has none, and its class adds eos.
    has_bos = model.trainer_spec.bos_id >= 0
    spec = spec_of(
        model, bool(config.get("add_bos_token", has_bos)), bool(config.get("add_eos_token", not has_bos))
    )
    if name == "T5" and spec["model"]["type"] == "Unigram":
        spec = with_sentinels(spec, config)
    if directory is not None:
        spec = _completed(spec, directory)
        if model.normalizer_spec.add_dummy_prefix:
            # The normalizer would add its ▁ before the token's text too, and find it only after a space.
            spec = {**spec, "added_tokens": [_as_stated(token) for token in spec["added_tokens"]]}
    family = UnigramTokenizer if spec["model"]["type"] == "Unigram" else SentencePieceTokenizer
    return family(spec, path.read_bytes())


def _as_stated(token: dict[str, Any]) -> dict[str, Any]:
    return token if SPACE in token["content"] else {**token, "normalized": False}
