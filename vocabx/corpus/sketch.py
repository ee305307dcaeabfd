"""A sketch of a text: hashes of some of its sentences, by which another text is recognized as part of it.

Of all distinct sentences, those with the lowest hashes are kept (a bottom-k sketch: Broder, On the
resemblance and containment of documents, 1997). Which those are does not depend on the order of documents,
so of another text exactly the sentences with hashes in the same range can be compared, and their share is an
estimate of the share of all.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import regex

from vocabx.corpus.passages import sentences

# Bytes of a hash, and how many are kept: 80 KB. Two sentences of a million share a hash once in a million.
_HASH = 5
SIZE = 16_384
# Shorter sentences, such as headings and numbers, occur in many texts.
_SHORTEST = 24
_SPACE = regex.compile(r"\s+")


@dataclass(frozen=True)
class Containment:
    """How much of a text is in a sketched one.

    Attributes:
        found, compared: sentences of the text that are in the sketch, and that would be if they were in the
            sketched text.
    """

    found: int
    compared: int

    @property
    def share(self) -> float:
        """The estimated share of the text that is in the sketched one, between 0 and 1."""
        return self.found / self.compared if self.compared else 0.0


class Sketch:
    """The sketch of a text that is being read.

    Args:
        hashes: to begin with.
    """

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self._hashes = set(hashes)
        self._limit = b""
        self._shrink()

    def add(self, text: str) -> None:
        """Take a part of the text, whole sentences of it."""
        for found in _hashes(text):
            if not self._limit or found <= self._limit:
                self._hashes.add(found)
        if len(self._hashes) > 4 * SIZE:
            self._shrink()

    def join(self, other: "Sketch") -> None:
        """Take all of another sketch, as if its text had been added."""
        self._hashes |= other._hashes
        self._shrink()

    def holds(self, text: str) -> Containment:
        """How much of a text is in this one."""
        self._shrink()
        compared = [found for found in set(_hashes(text)) if not self._limit or found <= self._limit]
        return Containment(sum(found in self._hashes for found in compared), len(compared))

    def to_text(self) -> str:
        """The sketch as ASCII text, "" if it is empty."""
        self._shrink()
        return base64.b85encode(b"".join(sorted(self._hashes))).decode()

    @classmethod
    def of_text(cls, text: str) -> "Sketch":
        """The sketch that `to_text` wrote.

        Raises:
            ValueError: `text` is none.
        """
        content = base64.b85decode(text)
        return cls(content[at : at + _HASH] for at in range(0, len(content), _HASH))

    def _shrink(self) -> None:
        if len(self._hashes) >= SIZE:
            kept = sorted(self._hashes)[:SIZE]
            self._hashes, self._limit = set(kept), kept[-1]


def sketch_of(texts: Iterable[str]) -> Sketch:
    """The sketch of several texts."""
    sketch = Sketch()
    for text in texts:
        sketch.add(text)
    return sketch


def _hashes(text: str) -> Iterable[bytes]:
    """The hashes of the sentences that are long enough, however they are spaced."""
    for sentence in sentences(text):
        encoded = _SPACE.sub(" ", sentence.strip()).encode()
        if len(encoded) >= _SHORTEST:
            yield hashlib.blake2b(encoded, digest_size=_HASH).digest()
