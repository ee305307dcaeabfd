"""The tokenizer that takes precedence in a directory with a SentencePiece model and a tokenizer.json.

The model takes precedence, since the merges of tokenizer.json are derived from its scores, unless
tokenizer.json has pieces that the model lacks. Everything around the pieces (added tokens, templates,
normalizer) comes from tokenizer.json, provided that it treats white space as the model does.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from vocabx._util.json_file import read_object
from vocabx.commands.doctor.finding import Finding
from vocabx.errors import TokenizerError
from vocabx.tokenizer.families import family_of
from vocabx.tokenizer.families.sentencepiece_bpe import byte_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.from_sentencepiece import spec_of
from vocabx.tokenizer.sentencepiece_model import is_unused, parse_model, unused_piece
from vocabx.tokenizer.settings import read_settings

_SAMPLES = ("", " ", "a", " a", "a ", "  a  b ", "\ta\nb\n", "Ａ ﬁ", "中 文")
# The components that turn text into pieces and back.
_AROUND = ("normalizer", "pre_tokenizer", "decoder")


def read_stated(directory: Path, model: bytes | None, damage: list[Finding]) -> FastTokenizer | None:
    """The tokenizer of tokenizer.json, None if there is none or it cannot be read."""
    path = directory / "tokenizer.json"
    if not path.is_file():
        return None
    try:
        spec = read_object(path, TokenizerError, "get this file again")
        spec.setdefault("added_tokens", [])
        tokenizer = _tokenizer(spec, model)
        # The only way to know whether the library can read it is to let it.
        _ = Tokenizer.from_str(json.dumps(spec)) if tokenizer is None else tokenizer.rust
    except Exception as error:  # The Rust side raises bare Exception for every damaged file.
        sentence = f"tokenizer.json cannot be read: {' '.join(str(error).split())}."
        remedy = "Download this file again."
        if model is not None:
            remedy = "tokenizer.json is regenerated from the SentencePiece model."
        damage.append(
            Finding("tokenizer.json", "fatal", sentence, remedy=remedy, repairable=model is not None)
        )
        return None
    if tokenizer is None:
        sentence = f"tokenizer.json is a {family_of(spec)} tokenizer, which vocabx does not support."
        damage.append(Finding("family", "note", sentence, remedy="Its pieces are not examined."))
    return tokenizer


def leading(
    directory: Path,
    stated: FastTokenizer | None,
    model: bytes | None,
    settings: Mapping[str, Any],
) -> FastTokenizer | None:
    """The tokenizer that takes precedence, None if there is none that can be read.

    Args:
        directory: the directory of the files.
        stated: the tokenizer of tokenizer.json, if there is one.
        model: the SentencePiece model, if there is one.
        settings: the content of tokenizer_config.json.

    Raises:
        TokenizerError: if no tokenizer.json can represent the model.
    """
    if model is None:
        return stated
    proto = parse_model(model)
    if stated is not None and not leads(proto, stated):
        return stated
    # The slow classes add bos by default, and eos only if configured.
    spec = spec_of(proto, bool(settings.get("add_bos_token", True)), bool(settings.get("add_eos_token")))
    if stated is None:
        spec["added_tokens"] += _loose(directory, settings, spec)
        return _tokenizer(with_places(spec), model)
    return with_model(stated, model, spec)


def leads(proto: Any, stated: FastTokenizer) -> bool:
    """Whether a model has all ordinary pieces of a tokenizer.json."""
    known = {name for piece in proto.pieces for name in names_of(piece.piece)}
    added = {token["content"] for token in stated.spec["added_tokens"]}
    return all(piece in known or piece in added or is_unused(piece) for piece in stated.pieces())


def names_of(piece: str) -> tuple[str, ...]:
    """The names of a piece of the model in tokenizer.json: an ASCII byte may also be its character."""
    byte = byte_of(piece)
    return (piece, chr(byte)) if byte is not None and byte < 0x80 else (piece,)


def with_model(stated: FastTokenizer, model: bytes, spec: dict[str, Any]) -> FastTokenizer | None:
    """`stated` with the pieces and their order from `spec`, which was made from `model`."""
    around = spec if _spaces_differ(stated, model) else stated.spec
    mixed = {**stated.spec, **{key: around.get(key) for key in _AROUND}, "model": spec["model"]}
    mixed = with_places(mixed)
    return stated if mixed == stated.spec else _tokenizer(mixed, model)


def with_places(spec: dict[str, Any]) -> dict[str, Any]:
    """`spec` with its added tokens in the model's vocabulary: otherwise the library renumbers them."""
    model = dict(spec["model"])
    missing = {token["id"]: token["content"] for token in spec["added_tokens"]}
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        whole = {**{text: index for index, text in missing.items()}, **vocabulary}
        model["vocab"] = dict(sorted(whole.items(), key=lambda item: item[1]))
    else:
        lowest = min((score for _, score in vocabulary), default=0.0)
        gaps = range(len(vocabulary), max(missing, default=-1) + 1)
        model["vocab"] = [*vocabulary, *([missing.get(n, unused_piece(n)), lowest] for n in gaps)]
    return {**spec, "model": model}


def _tokenizer(spec: dict[str, Any], model: bytes | None) -> FastTokenizer | None:
    family: Any = family_of(spec)
    if isinstance(family, str):
        return None
    tokenizer: FastTokenizer = family(spec)
    return replace(tokenizer, model=model) if hasattr(tokenizer, "model") else tokenizer  # type: ignore[call-arg]


def _spaces_differ(stated: FastTokenizer, model: bytes) -> bool:
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor(model_proto=model)
    normalize = normalizer_of(stated)
    return any(normalize(text) != processor.normalize(text) for text in _SAMPLES)


def normalizer_of(tokenizer: FastTokenizer) -> Callable[[str], str]:
    """The function that a tokenizer applies to a text before splitting it into pieces."""
    normalizer, splitter = tokenizer.rust.normalizer, tokenizer.rust.pre_tokenizer

    def normalize(text: str) -> str:
        normal = normalizer.normalize_str(text) if normalizer is not None else text
        return normal if splitter is None else "".join(part for part, _ in splitter.pre_tokenize_str(normal))

    return normalize


def _loose(directory: Path, settings: Mapping[str, Any], spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Added tokens of a directory without tokenizer.json, from its configuration."""
    known = {token["content"] for token in spec["added_tokens"]}
    found: dict[int, dict[str, Any]] = {}
    path = directory / "added_tokens.json"
    try:
        listed = read_settings(path)
        for content, index in listed.items():
            found[int(index)] = {"content": content}
        for index, token in (settings.get("added_tokens_decoder") or {}).items():
            found[int(index)] = token if isinstance(token, dict) else {"content": token}
    except (TokenizerError, ValueError, AttributeError, TypeError):
        pass  # transformers would refuse it; the rest can still be examined.
    blank = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return [
        {"id": index, **{key: token.get(key, value) for key, value in {"content": "", **blank}.items()}}
        for index, token in sorted(found.items())
        if token.get("content") and token["content"] not in known
    ]
