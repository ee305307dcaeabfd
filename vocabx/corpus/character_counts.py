"""How often each character occurs in a text. Counts of parts add up to those of the whole."""

import numpy as np
import regex
from numpy.typing import NDArray

from vocabx.corpus.scripts import letters_of

# Characters that are counted at once, enough to pay for a pass over the counts.
_AT_ONCE = 1 << 15


class CharacterCounts:
    """Counts the characters of texts, some of which may not have been counted yet."""

    def __init__(self) -> None:
        # By code point, up to the highest one that occurred.
        self._counts = np.zeros(0, dtype=np.int64)
        self._waiting: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """Count the characters of a text."""
        self._waiting.append(text)
        self._size += len(text)
        if self._size >= _AT_ONCE:
            self._count()

    def merge(self, other: "CharacterCounts") -> None:
        """Add the counts of another text."""
        self._count()
        other._count()
        self._add(other._counts)

    def letters(self, in_script: "regex.Pattern[str]") -> tuple[int, int]:
        """How many letters (category L) there are, and how many of them `in_script` matches."""
        self._count()
        letters = own = 0
        for code in np.flatnonzero(self._counts).tolist():
            character = chr(code)
            if letters_of(character):
                letters += int(self._counts[code])
                own += int(self._counts[code]) if in_script.match(character) else 0
        return letters, own

    def _count(self) -> None:
        if self._waiting:
            codes = np.frombuffer("".join(self._waiting).encode("utf-32-le"), dtype="<u4")
            self._add(np.bincount(codes))
            self._waiting, self._size = [], 0

    def _add(self, counts: NDArray[np.int64]) -> None:
        if len(counts) > len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros(len(counts) - len(self._counts), np.int64)])
        self._counts[: len(counts)] += counts
