"""WordPiece (BERT): a word is split greedily from the left into the longest pieces; later ones begin with ##.

A word with a character that no piece covers becomes the unknown token as a whole. No piece can restore what
the normalizer removes (accents, case). Where it puts spaces around Chinese characters each of them is a word,
and a piece of two never occurs: such a base is extended by single characters, and by whole words of scripts
that use spaces.
"""

import copy
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from vocabx.tokenizer.fast import FastTokenizer, Ids, components, without_holes
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import is_unused

_LAST_CODE_POINT = 0x110000


@dataclass(frozen=True)
class WordPieceTokenizer(FastTokenizer):
    """A WordPiece tokenizer. A piece that begins a word stands for its text after a space."""

    family: ClassVar[str] = "WordPiece"
    needs_parts: ClassVar[bool] = False
    appends_rules: ClassVar[bool] = True
    model_inputs: ClassVar[tuple[str, ...]] = ("input_ids", "token_type_ids", "attention_mask")

    @cached_property
    def prefix(self) -> str:
        """The prefix of continuations."""
        return str(self.spec["model"].get("continuing_subword_prefix", "##"))

    @cached_property
    def apart(self) -> bool:
        """Whether the normalizer puts spaces around Chinese characters."""
        return any(part.get("handle_chinese_chars") for part in components(self.spec.get("normalizer")))

    def pieces(self) -> Mapping[str, int]:  # noqa: D102
        vocabulary: dict[str, int] = self.spec["model"]["vocab"]
        return vocabulary

    def piece_to_bytes(self, piece: str) -> bytes | None:  # noqa: D102
        if is_unused(piece):
            return None
        if piece.startswith(self.prefix) and len(piece) > len(self.prefix):
            return piece.removeprefix(self.prefix).encode()
        return piece.encode() if self._stands_alone(piece) else f" {piece}".encode()

    def bytes_to_piece(self, token: bytes) -> str | None:  # noqa: D102
        try:
            text = token.decode()
        except UnicodeDecodeError:
            return None
        if self._stands_alone(text.removeprefix(" ")):
            return text.removeprefix(" ")
        word, inside = text.removeprefix(" "), not text.startswith(" ")
        if not self._is_word(word) or (self.apart and any(map(_is_chinese, word))):
            return None
        return self.prefix + word if inside else word

    def assemble(self, parts: Sequence[bytes]) -> list[tuple[bytes, bytes]]:  # noqa: D102
        return [(b"", b"".join(parts))]

    def rules(self) -> list[Any]:  # noqa: D102
        return []

    def canonical(self, text: str) -> str:
        """`text` normalized, without white space, whose position WordPiece does not keep."""
        return "".join(self.normal(text).split())

    def tokenize(self, token: bytes) -> tuple[int, ...]:  # noqa: D102
        piece = self.bytes_to_piece(token)
        return () if piece is None else tuple(self._tokenize_piece(piece))

    def reaches(self, index: int) -> bool:  # noqa: D102
        piece = self.id_to_piece[index]
        word = piece.removeprefix(self.prefix) if piece != self.prefix else piece
        inside = word != piece
        if self._words("a" + word if inside else word) != ["a" + word if inside else word]:
            return False
        return self._tokenize_piece(piece) == [index]

    def atoms(self, texts: Sequence[str]) -> tuple[Ids, Ids]:  # noqa: D102
        ids: list[int] = []
        words: list[int] = []
        for number, text in enumerate(texts):
            for place, word in enumerate(self._words(text)):
                atoms = self._atoms_of.get(word)
                if atoms is None:
                    atoms = self._atoms_of[word] = self._tokenize_word(word)
                ids += atoms
                words += [(number << 32) + place] * len(atoms)
        return np.array(ids, dtype=np.int64), np.array(words, dtype=np.int64)

    def atom_bytes(self, atom: int) -> bytes | None:
        """The bytes of an id, of an unknown character inside a word, or of one at its beginning."""
        if atom < self.size:
            return self.token_bytes.get(atom)
        begins, code = divmod(atom - self.size, _LAST_CODE_POINT)
        return (" " * begins + chr(code)).encode()

    def extended(self, merges: Iterable[Merge], first_id: int) -> Self:  # noqa: D102
        vocabulary = dict(self.vocabulary)
        next_id = first_id
        for merge in merges:
            piece = self.bytes_to_piece(merge.token)
            if piece and piece not in vocabulary:
                vocabulary[piece] = next_id
                next_id += 1
        spec = copy.copy(self.spec)
        spec["model"] = {**self.spec["model"], "vocab": without_holes(vocabulary)}
        return type(self)(spec)

    def companions(self) -> dict[str, bytes]:
        """vocab.txt, one piece per line, where the ids have no gaps, as in every extension."""
        pieces = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        whole = [self.vocabulary[piece] for piece in pieces] == list(range(len(pieces)))
        return {"vocab.txt": "".join(f"{piece}\n" for piece in pieces).encode()} if whole else {}

    @cached_property
    def _atoms_of(self) -> dict[str, list[int]]:
        return {}

    @cached_property
    def _before(self) -> str:
        """A character to prepend when tokenizing a continuation: one that begins no longer piece."""
        words = [piece for piece in self.vocabulary if not piece.startswith(self.prefix)]
        begun = Counter(word[0] for word in words if word)
        return next((word for word in words if len(word) == 1 and begun[word] == 1), "")

    def _words(self, text: str) -> list[str]:
        segmenter = self.rust.pre_tokenizer
        normal = self.normal(text)
        return [normal] if segmenter is None else [word for word, _ in segmenter.pre_tokenize_str(normal)]

    def _is_word(self, word: str) -> bool:
        return self._words(word) == [word]

    def _stands_alone(self, piece: str) -> bool:
        """Whether `piece` is always a word: a Chinese character with spaces around it, or punctuation."""
        if len(piece) != 1:
            return False
        return (self.apart and _is_chinese(piece)) or self._words(f"a{piece}") == ["a", piece]

    def _tokenize_piece(self, piece: str) -> list[int]:
        if piece.startswith(self.prefix) and len(piece) > len(self.prefix):
            parts = self.rust.model.tokenize(self._before + piece.removeprefix(self.prefix))
            return [part.id for part in parts[1:]] or [part.id for part in parts]
        return [part.id for part in self.rust.model.tokenize(piece)]

    def _tokenize_word(self, word: str) -> list[int]:
        ids = self._tokenize_piece(word)
        if ids != [self.unknown_id]:
            return ids
        begins = [self._begins(word), *[0] * (len(word) - 1)]
        return [self.size + first * _LAST_CODE_POINT + ord(c) for first, c in zip(begins, word, strict=True)]

    def _begins(self, word: str) -> int:
        return 0 if self._stands_alone(word) else 1


def _is_chinese(character: str) -> bool:
    """Whether BERT's normalizer puts spaces around `character`: CJK ideographs, not kana or Hangul."""
    code = ord(character)
    return any(low <= code <= high for low, high in _CHINESE)


_CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip
