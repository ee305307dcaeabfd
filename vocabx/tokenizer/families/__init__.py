"""Tokenizer families, one module each, and which family a tokenizer.json belongs to."""

from typing import Any

from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.families.character_bpe import CharacterTokenizer
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.families.unigram import UnigramTokenizer
from vocabx.tokenizer.families.word_marks import (
    MarkedByteLevelTokenizer,
    MarkedCharacterTokenizer,
    marks_of,
)
from vocabx.tokenizer.families.wordpiece import WordPieceTokenizer
from vocabx.tokenizer.fast import FastTokenizer, components

FAMILIES: tuple[type[FastTokenizer], ...] = (
    ByteLevelTokenizer,
    SentencePieceTokenizer,
    CharacterTokenizer,
    MarkedByteLevelTokenizer,
    MarkedCharacterTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
)


def family_of(spec: dict[str, Any]) -> type[FastTokenizer] | str:
    """The family of a tokenizer.json; a description of what it is when it belongs to none."""
    model = spec["model"]
    kind = model.get("type") or _guess(model)
    if kind == "Unigram":
        return UnigramTokenizer
    if kind == "WordPiece":
        return WordPieceTokenizer
    if kind != "BPE":
        return str(kind)
    marks = marks_of(model)
    byte_level = any(part.get("type") == "ByteLevel" for part in components(spec.get("pre_tokenizer")))
    if len(marks) > 1 or (marks and model.get("byte_fallback")):
        stated = (f"{key} {model[key]!r}" for key in marks)
        return f"BPE ({' and '.join(stated)}{' and byte fallback' if model.get('byte_fallback') else ''})"
    if model.get("byte_fallback"):
        return SentencePieceTokenizer
    if byte_level:
        return MarkedByteLevelTokenizer if marks else ByteLevelTokenizer
    if not model.get("unk_token"):
        return "BPE without bytes and unknown token"
    return MarkedCharacterTokenizer if marks else CharacterTokenizer


def _guess(model: dict[str, Any]) -> str:
    """The model type in an old file that does not state it."""
    if "merges" in model:
        return "BPE"
    return "Unigram" if isinstance(model.get("vocab"), list) else "WordPiece"
