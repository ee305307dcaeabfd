"""What is typed, tokenized: tokens aligned to the characters that they stand for.

Several tokens may share a character, where it is several bytes or the normalizer makes several of it; and
white space may belong to no token. So a text is a sequence of spans, each with its tokens: none, one, or
those that share characters.
"""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tokenizers import Tokenizer

from vocabx.tokenizer.families.sentencepiece_bpe import byte_of
from vocabx.tokenizer.fast import FastTokenizer, build_rust


@dataclass(frozen=True)
class Token:
    """One token as the page shows it.

    Attributes:
        id: its id.
        text: its own text; its bytes in hexadecimal where `bytes`.
        new: whether the base lacks it.
        bytes: whether it is bytes: of an incomplete character, or a byte piece such as <0x0A>.
        unknown: whether it is the unknown token.
    """

    id: int
    text: str
    new: bool
    bytes: bool
    unknown: bool


@dataclass(frozen=True)
class Span:
    """Consecutive characters, and the tokens that stand for them together; `text` may be empty."""

    text: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Segmenter:
    """A tokenizer that says where its tokens are, and which of them are new.

    Attributes:
        tokenizer: the tokenizer.
        new: ids of the tokens that the base lacks.
    """

    tokenizer: FastTokenizer
    new: Set[int]

    def spans(self, text: str) -> list[Span]:
        """Tokenize `text`, without the special tokens that a template adds.

        The texts of the spans, concatenated, are `text`; their tokens, in order, have the ids of
        `FastTokenizer.encode`.
        """
        found = self._rust.encode(text, add_special_tokens=False)
        spans: list[Span] = []
        tokens: list[Token] = []
        begin = end = 0
        for index, (start, stop) in zip(found.ids, found.offsets, strict=True):
            token = self.token(index)
            start = max(start, begin)
            if not token.text.strip() and text[start:stop].strip():
                # A ▁ in front of a character that is no space stands for nothing that was typed.
                stop = start
            if start >= end:
                _close(spans, text[begin:end], tokens)
                if start > end:
                    spans.append(Span(text[end:start], ()))
                begin, tokens = start, []
            tokens.append(token)
            end = max(end, stop)
        _close(spans, text[begin:end], tokens)
        if end < len(text):
            spans.append(Span(text[end:], ()))
        return spans

    def token(self, index: int) -> Token:
        """The token `index` as the page shows it."""
        if index not in self._known:
            self._known[index] = self._describe(index)
        return self._known[index]

    @cached_property
    def _known(self) -> dict[int, Token]:
        return {}

    def _describe(self, index: int) -> Token:
        tokenizer = self.tokenizer
        data = tokenizer.token_bytes.get(index)
        is_byte = data is not None and (
            tokenizer.text_of(index) is None or byte_of(tokenizer.id_to_piece[index]) is not None
        )
        text = data.hex(" ").upper() if data is not None and is_byte else tokenizer.describe(index)
        return Token(index, text, index in self.new, is_byte, index == tokenizer.unknown_id)

    @cached_property
    def _rust(self) -> Tokenizer:
        """The tokenizer without what trims offsets, shortens or pads."""
        return build_rust(
            {**self.tokenizer.spec, "post_processor": None, "truncation": None, "padding": None}
        )


def new_ids(base: FastTokenizer, extended: FastTokenizer) -> Set[int]:
    """The ids of the tokens that `base` lacks; of placeholders at ids without a token, too."""
    pieces = extended.id_to_piece.items()
    if extended.family == base.family:
        return frozenset(index for index, piece in pieces if piece not in base.vocabulary)
    # Pieces of two families are spelled differently: the bytes that they stand for are compared.
    return frozenset(
        index
        for index, piece in pieces
        if piece not in base.vocabulary and extended.token_bytes.get(index) not in base.known_bytes
    )


def _close(spans: list[Span], text: str, tokens: list[Token]) -> None:
    if tokens:
        spans.append(Span(text, tuple(tokens)))


def as_json(spans: list[Span]) -> dict[str, Any]:
    """Spans as plain data, with their number of tokens and of unknown ones."""
    tokens = [token for span in spans for token in span.tokens]
    return {
        "tokens": len(tokens),
        "unknown": sum(token.unknown for token in tokens),
        "spans": [{"text": span.text, "tokens": [vars(token) for token in span.tokens]} for span in spans],
    }
