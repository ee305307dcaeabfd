"""BPE whose pieces mark where in a word they stand (CLIP, XLM, GPT-1: low</w>; others: @@low).

One text then has two pieces: `end_of_word_suffix` marks those that end a word, `continuing_subword_prefix`
those that do not begin one. In bytes, the piece at the edge of a word has a space there, which is what
decoding puts between words, so that the bytes of a merge are still those of its two parts. Where words hold
their space themselves (Ġlow), a piece that begins a word without one stands for no bytes: nothing is built
of it. New merges rank after the base's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.byte_alphabet import to_alphabet
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.families.character_bpe import CharacterTokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge

PREFIX, SUFFIX = "continuing_subword_prefix", "end_of_word_suffix"
_LAST_CODE_POINT = 0x110000
_SPACE = b" "


class _WordMarks(FastTokenizer):
    """What both kinds have in common; `filler` is a character of no piece that follows or precedes others."""

    needs_parts: ClassVar[bool] = True
    appends_rules: ClassVar[bool] = True
    filler: ClassVar[str]

    @cached_property
    def suffix(self) -> str:
        """What ends the last piece of a word, or ""."""
        return str(self.spec["model"].get(SUFFIX) or "")

    @cached_property
    def prefix(self) -> str:
        """What begins all pieces of a word but the first, or ""."""
        return str(self.spec["model"].get(PREFIX) or "")

    def dropped_in_words(self) -> Sequence[str] | None:
        """None: pieces are longer than what they stand for."""
        return None

    def piece_to_bytes(self, piece: str) -> bytes | None:
        body, edge = self._unmarked(piece)
        data = super().piece_to_bytes(body) if body else None  # type: ignore[safe-super]
        if not data:
            return None
        if self.suffix:
            inner = data if data == _SPACE or not data.endswith(_SPACE) else None
            return data + _SPACE if edge else inner
        if edge == data.startswith(_SPACE):
            return data
        return _SPACE + data if edge and not self._spaced else None

    def bytes_to_piece(self, token: bytes) -> str | None:
        whole = super().bytes_to_piece  # type: ignore[safe-super]
        if self.suffix:
            body = token.removesuffix(_SPACE)
            if body in (b"", token):
                return whole(token)
            piece = whole(body)
            return None if piece is None else piece + self.suffix
        if token.startswith(_SPACE):
            return whole(token if self._spaced else token[1:])
        piece = whole(token)
        return None if piece is None else self.prefix + piece

    def allows(self, alphabet: Alphabet, token: bytes) -> bool:
        body = token.removesuffix(_SPACE) if self.suffix else token
        return alphabet.allows_token(body or token)

    def canonical(self, text: str) -> str:
        """`text` normalized, without white space, of which the pieces say only where words end."""
        return "".join(self.normal(text).split())

    def tokenize(self, token: bytes) -> tuple[int, ...]:
        piece = self.bytes_to_piece(token)
        return () if piece is None else self._alone(piece)

    def reaches(self, index: int) -> bool:
        return self._alone(self.id_to_piece[index]) == (index,)

    def extended(self, merges: Iterable[Merge], first_id: int) -> Self:
        return type(self)(self.with_appended(merges, first_id))

    @cached_property
    def _spaced(self) -> bool:
        """Whether the words of the pre-tokenizer hold the space before them."""
        segmenter = self.rust.pre_tokenizer
        words = ["a b"] if segmenter is None else [word for word, _ in segmenter.pre_tokenize_str("a b")]
        begun = super().piece_to_bytes  # type: ignore[safe-super]
        return any((begun(word) or b"").startswith(_SPACE) for word in words)

    def _unmarked(self, piece: str) -> tuple[str, bool]:
        """A piece without its mark, and whether it is one at the edge of a word that is marked in bytes."""
        if self.suffix:
            return piece.removesuffix(self.suffix), piece.endswith(self.suffix)
        return piece.removeprefix(self.prefix), not piece.startswith(self.prefix)

    def _alone(self, piece: str) -> tuple[int, ...]:
        """The ids of the text of a piece, where in a word it stands."""
        body, edge = self._unmarked(piece)
        before = "" if edge or self.suffix else self.filler
        after = "" if edge and self.suffix else self.filler
        start, end = len(before.encode()), len((before + body).encode())
        parts = self.rust.model.tokenize(before + body + after)
        return tuple(part.id for part in parts if part.offsets[0] < end and part.offsets[1] > start)


@dataclass(frozen=True)
class MarkedByteLevelTokenizer(_WordMarks, ByteLevelTokenizer):
    """A byte-level BPE tokenizer whose pieces mark the edges of words."""

    family: ClassVar[str] = "byte-level BPE with marks in words"
    filler: ClassVar[str] = to_alphabet(b"\xff")

    def lost_tokens(self, text: str) -> list[bytes]:
        """The bytes of `text` without a token inside a word or at its marked edge, as tokens."""
        data = [bytes([byte]) for byte in sorted(set(self.normal(text).encode()) - set(b" \t\r\n"))]
        if self.suffix:
            forms = [byte + edge for byte in data for edge in (b"", _SPACE)]
        else:
            forms = [edge + byte for byte in data for edge in (b"", _SPACE) if not (edge and self._spaced)]
        return [form for form in forms if self.bytes_to_piece(form) not in self.vocabulary]


@dataclass(frozen=True)
class MarkedCharacterTokenizer(_WordMarks, CharacterTokenizer):
    """A BPE tokenizer over characters, with an unknown token, whose pieces mark the edges of words."""

    family: ClassVar[str] = "character-level BPE with marks in words"
    filler: ClassVar[str] = "\U0010ffff"

    def atom_bytes(self, atom: int) -> bytes | None:
        """The bytes of an id, or of an unknown character, with a space at the marked edge of a word."""
        if atom < self.size:
            return self.token_bytes.get(atom)
        edge, code = divmod(atom - self.size, _LAST_CODE_POINT)
        data = chr(code).encode()
        if not edge:
            return data
        return data + _SPACE if self.suffix else _SPACE + data

    def _word_atoms(self, word: str) -> list[int]:
        data = word.encode()
        atoms: list[int] = []
        for token in self.rust.model.tokenize(word):
            if token.id != self.unknown_id:
                atoms.append(token.id)
                continue
            start, end = token.offsets
            lost = data[start:end].decode()
            at = len(lost) - 1 if self.suffix else 0
            touches = end == len(data) if self.suffix else start == 0 and not self._spaced
            for number, character in enumerate(lost):
                edge = touches and number == at
                atoms.append(self.size + edge * _LAST_CODE_POINT + ord(character))
        return atoms


def marks_of(model: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the settings by which a model's pieces mark the edges of words."""
    return tuple(key for key in (PREFIX, SUFFIX) if model.get(key))
