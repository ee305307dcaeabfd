"""Tokenizer families, one module each, and which family a tokenizer.json belongs to."""

from typing import Any

from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.families.character_bpe import CharacterTokenizer
from vocabx.tokenizer.families.sentencepiece_bpe import SentencePieceTokenizer
from vocabx.tokenizer.families.unigram import UnigramTokenizer
from vocabx.tokenizer.families.wordpiece import WordPieceTokenizer
from vocabx.tokenizer.fast import FastTokenizer, components

FAMILIES: tuple[type[FastTokenizer], ...] = (
    ByteLevelTokenizer,
    SentencePieceTokenizer,
    CharacterTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
)


# Where these mark pieces, one text has two tokens, inside a word and at its edge.
_MARKS = ("end_of_word_suffix", "continuing_subword_prefix")


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
    for key in _MARKS:
        if model.get(key):
            return f"BPE ({key} {model[key]!r})"
    if model.get("byte_fallback"):
        return SentencePieceTokenizer
    if any(part.get("type") == "ByteLevel" for part in components(spec.get("pre_tokenizer"))):
        return ByteLevelTokenizer
    return CharacterTokenizer if model.get("unk_token") else "BPE without bytes and unknown token"


def _guess(model: dict[str, Any]) -> str:
    """The model type in an old file that does not state it."""
    if "merges" in model:
        return "BPE"
    return "Unigram" if isinstance(model.get("vocab"), list) else "WordPiece"
