"""A pseudo-random sample of texts within a budget of bytes, which merges exactly.

Every text gets a priority from a keyed hash of its content, and those of lowest priority are kept. So the
sample is the same in whatever order texts come and however they are divided: that of a whole is that of its
parts' samples.
"""

import hashlib
import heapq
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Origin:
    """The document that a text comes from: the digest of its content, its size in bytes, and its source."""

    digest: bytes
    size: int
    source: str = ""


class BottomK:
    """The texts of lowest priority value whose sizes add up to about `budget` bytes.

    Args:
        budget: UTF-8 bytes wanted: the fewest texts are kept that reach it.
        key: of the hash; another key draws another sample.
    """

    def __init__(self, budget: int, key: bytes) -> None:
        self.budget, self.key, self.size = budget, key, 0
        # Negative priorities: the root is the text that is dropped first. No two are equal.
        self._heap: list[tuple[int, str, int]] = []
        self._origins: dict[int, Origin] = {}

    def priority(self, encoded: bytes) -> int | None:
        """The priority of a text in UTF-8, or None if a sample of those so far leaves it out."""
        digest = hashlib.blake2b(encoded, digest_size=8, key=self.key).digest()
        found = int.from_bytes(digest, "big")
        full = self.size >= self.budget and (not self._heap or found > -self._heap[0][0])
        return None if full else found

    def keep(self, priority: int, text: str, size: int, origin: Origin) -> None:
        """Add a text with the priority that it was given, its bytes, and where it comes from."""
        if priority in self._origins:
            # A text that several documents share is assigned to one of them, independent of their order.
            self._origins[priority] = min(self._origins[priority], origin)
            return
        heapq.heappush(self._heap, (-priority, text, size))
        self._origins[priority] = origin
        self.size += size
        while self._heap and self.size - self._heap[0][2] >= self.budget:
            dropped, _, freed = heapq.heappop(self._heap)
            del self._origins[-dropped]
            self.size -= freed

    def merge(self, other: "BottomK") -> None:
        """Take in the sample of another part, drawn with the same budget and key."""
        for negative, text, size in other._heap:
            if self.size < self.budget or not self._heap or negative >= self._heap[0][0]:
                self.keep(-negative, text, size, other._origins[-negative])

    def texts(self) -> list[tuple[str, Origin]]:
        """The kept texts and their documents, lowest priority value first."""
        ordered = sorted(self._heap, reverse=True)
        return [(text, self._origins[-negative]) for negative, text, _ in ordered]
