"""Byte-level BPE (GPT-2, RoBERTa, Llama 3, Qwen, SmolLM2): tokens are byte strings built by merges.

New merges rank after the base's, so the base's tokenization is a first stage that never changes, and text
without a new pair is tokenized as before.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.byte_alphabet import from_alphabet, to_alphabet
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.sentencepiece_model import is_unused
from vocabx.tokenizer.widen import widened

_IN_NO_TEXT = to_alphabet(b"\xff")


@dataclass(frozen=True)
class ByteLevelTokenizer(FastTokenizer):
    """A byte-level BPE tokenizer."""

    family: ClassVar[str] = "byte-level BPE"
    needs_parts: ClassVar[bool] = True
    appends_rules: ClassVar[bool] = True
    unused_space: ClassVar[str] = _IN_NO_TEXT

    def pieces(self) -> Mapping[str, int]:  # noqa: D102
        vocabulary: dict[str, int] = self.spec["model"]["vocab"]
        return vocabulary

    def lost_tokens(self, text: str) -> list[bytes]:
        """The bytes of `text` without a token, as tokens: the tokenizer drops them without a trace."""
        if not self._without_token:
            return []
        lost = self._without_token.intersection(self.normal(text).encode())
        return [bytes([byte]) for byte in sorted(lost)]

    def dropped_in_words(self) -> Sequence[str] | None:
        """The bytes without a token: a word has a character for each byte."""
        return [to_alphabet(bytes([byte])) for byte in sorted(self._without_token)]

    @cached_property
    def _without_token(self) -> frozenset[int]:
        return frozenset(byte for byte in range(256) if to_alphabet(bytes([byte])) not in self.vocabulary)

    def piece_to_bytes(self, piece: str) -> bytes | None:  # noqa: D102
        return None if is_unused(piece) else from_alphabet(piece)

    def bytes_to_piece(self, token: bytes) -> str | None:  # noqa: D102
        return to_alphabet(token)

    def assemble(self, parts: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """Merges from left to right, so that no token is the tail of a character."""
        return [(b"".join(parts[:n]), parts[n]) for n in range(1, len(parts))]

    def rules(self) -> list[Any]:  # noqa: D102
        merges: list[Any] = self.spec["model"]["merges"]
        return merges

    def tokenize(self, token: bytes) -> tuple[int, ...]:  # noqa: D102
        return self._merged(to_alphabet(token))

    def reaches(self, index: int) -> bool:
        """Whether the merges build the token `index` from its own text.

        Llama 3 looks up whole words before it merges (`ignore_merges`); inside a longer word only merges
        produce a token.
        """
        return self._merged(self.id_to_piece[index]) == (index,)

    def _merged(self, piece: str) -> tuple[int, ...]:
        # The appended byte occurs in no text and no merge, so the result is no word that could be looked up.
        end = self.vocabulary.get(_IN_NO_TEXT)
        ids = tuple(part.id for part in self.rust.model.tokenize(piece + _IN_NO_TEXT))
        return ids[:-1] if ids and ids[-1] == end else ids

    def extended(self, merges: Iterable[Merge], first_id: int) -> Self:  # noqa: D102
        return type(self)(self.with_appended(merges, first_id))

    def adapted(self, alphabet: Alphabet) -> Self:  # noqa: D102
        spec = copy.copy(self.spec)
        spec["pre_tokenizer"] = widened(self.spec["pre_tokenizer"], alphabet)
        return type(self)(spec)
