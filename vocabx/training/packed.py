"""Documents packed into sequences of one length on disk: whole if they fit, never truncated.

A document is its tokens between the begin and end tokens. One that is longer than a sequence is split into
several pieces, each with a begin token; all of its tokens are kept. Pieces that fit into one sequence are put
side by side, and marks on their first tokens record that they are independent. Memory use is a window of
pieces, whatever the size of the text. The ids of a document may carry the marks of units, words for example,
that are hidden together where a model is trained to fill in what is hidden.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Marks, stored in the upper bits of an id.
STARTS = np.uint32(1 << 31)
PADDING = np.uint32(1 << 30)
# Of the first token of a unit, and of its others; a token of no unit has neither.
FIRST = np.uint32(1 << 29)
NEXT = np.uint32(1 << 28)
_ID = np.uint32((1 << 28) - 1)
_WINDOW = 4096
IGNORED = -100


@dataclass(frozen=True)
class Ends:
    """The ids around a text: `begin` before each piece, None for none, `end` after each document."""

    begin: int | None
    end: int


@dataclass(frozen=True)
class PackedSequence:
    """One sequence as input of a model, each array (L,) int64.

    Attributes:
        ids: the tokens.
        positions: position of each token in its piece, from 0.
        labels: the token to predict at each position, `IGNORED` at the end of a piece and in padding.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class PackedText:
    """Sequences on disk, memory-mapped.

    Attributes:
        path: the file, uint32 ids with marks.
        length: tokens per sequence.
    """

    path: Path
    length: int

    def __len__(self) -> int:
        return self.path.stat().st_size // (4 * self.length)

    def stored(self, number: int) -> NDArray[np.uint32]:
        """One sequence with its marks, (L,)."""
        offset = 4 * self.length * number
        return np.memmap(self.path, dtype="<u4", mode="r", offset=offset, shape=(self.length,))

    def pieces(self, number: int) -> list[list[int]]:
        """The pieces in one sequence, each with its begin token."""
        stored = self.stored(number)
        starts = np.flatnonzero(stored & STARTS)
        parts = np.split(stored, starts[1:]) if len(starts) else []
        return [(part & _ID).tolist() for part in parts if not part[0] & PADDING]

    def sequence(self, number: int) -> PackedSequence:
        """One sequence, ready for a model."""
        stored = self.stored(number)
        ids = ids_of(stored)
        starts = (stored & STARTS) != 0
        indices = np.arange(self.length)
        positions = indices - np.maximum.accumulate(np.where(starts, indices, 0))
        labels = np.full(self.length, IGNORED, dtype=np.int64)
        follows = ~starts[1:] & ((stored[1:] & PADDING) == 0)
        labels[:-1][follows] = ids[1:][follows]
        return PackedSequence(ids, positions, labels)


def ids_of(stored: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The ids of a stored sequence, without marks, as a new array."""
    return (stored & _ID).astype(np.int64)


def pack(documents: Iterable[Sequence[int]], ends: Ends, length: int, path: Path) -> PackedText:
    """Write documents as packed sequences.

    Args:
        documents: the ids of each document, without those around it; units may be marked.
        ends: the ids around each document.
        length: tokens per sequence, at least 3.
        path: the file to write.
    """
    with path.open("wb") as stream:
        for window in _windows(_pieces(documents, ends, length)):
            for bin_ in best_fit(window, length):
                stream.write(packed_row(bin_, length, ends.end).tobytes())
    return PackedText(path, length)


def _pieces(documents: Iterable[Sequence[int]], ends: Ends, length: int) -> Iterator[list[int]]:
    for document in documents:
        yield from split_body([*document, ends.end], ends, length)


def split_body(body: Sequence[int], ends: Ends, length: int) -> Iterator[list[int]]:
    """Pieces of at most `length` ids, each with the begin id if there is one."""
    before = [] if ends.begin is None else [ends.begin]
    room = length - len(before)
    for start in range(0, len(body), room):
        yield [*before, *body[start : start + room]]


def _windows(pieces: Iterable[list[int]]) -> Iterator[list[list[int]]]:
    window: list[list[int]] = []
    for piece in pieces:
        window.append(piece)
        if len(window) == _WINDOW:
            yield window
            window = []
    if window:
        yield window


def best_fit(pieces: list[list[int]], length: int) -> list[list[list[int]]]:
    """Pieces by sequence, packed by best fit: longest first, each into the fullest sequence that has room."""
    bins: list[list[list[int]]] = []
    room: list[tuple[int, int]] = []
    for piece in sorted(pieces, key=len, reverse=True):
        found = bisect_left(room, (len(piece), -1))
        if found == len(room):
            bins.append([piece])
            left, number = length - len(piece), len(bins) - 1
        else:
            left, number = room.pop(found)
            bins[number].append(piece)
            left -= len(piece)
        if left:
            insort(room, (left, number))
    return bins


def packed_row(pieces: Sequence[list[int]], length: int, filler: int) -> NDArray[np.uint32]:
    """Pieces as one stored sequence, (length,), filled up with padding of the id `filler`."""
    row = np.full(length, np.uint32(filler) | PADDING, dtype="<u4")
    offset = 0
    for piece in pieces:
        row[offset : offset + len(piece)] = piece
        row[offset] |= STARTS
        offset += len(piece)
    if offset < length:
        row[offset] |= STARTS
    return row
