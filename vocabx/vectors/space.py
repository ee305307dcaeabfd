"""Word vectors in memory, as returned by readers and training and used by the lifts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import VectorsError

Matrix = NDArray[np.float32]
Counts = NDArray[np.int64]
OfText = Callable[[str], Matrix]

# Rows processed at a time, so that float64 temporaries stay small compared to the matrix.
BLOCK = 65_536


@dataclass(frozen=True)
class WordVectors:
    """One vector per word.

    Attributes:
        words: W distinct words, most frequent first if that is known.
        matrix: (W, S) float32, one row per word; all finite.
        counts: (W,) int64, how often each word occurs, or None if that is unknown.
        of_text: computes the vector of any text, (S,) float32, from its word row and its n-gram rows; zeros
            if the model has none. None for models of whole words.
        origin: where they come from, in one line.

    Raises:
        VectorsError: there are none, sizes disagree, a word is repeated, or a row contains NaN or infinity.
    """

    words: tuple[str, ...] = field(repr=False)
    matrix: Matrix = field(repr=False)
    counts: Counts | None = field(default=None, repr=False)
    of_text: OfText | None = field(default=None, repr=False)
    origin: str = ""

    def __post_init__(self) -> None:
        if not self.words or self.matrix.ndim != 2 or not self.matrix.shape[1]:
            raise VectorsError(f"{self.origin or 'the word vectors'}: empty: pass other word vectors")
        if len(self.words) != len(self.matrix):
            raise VectorsError(f"{self.origin}: {len(self.words):,} words but {len(self.matrix):,} vectors")
        if self.counts is not None and len(self.counts) != len(self.words):
            raise VectorsError(f"{self.origin}: {len(self.words):,} words but {len(self.counts):,} counts")
        if len(self.index) != len(self.words):
            raise VectorsError(f"{self.origin}: {len(self.words) - len(self.index):,} words are repeated")
        self._refuse_broken_rows()

    def _refuse_broken_rows(self) -> None:
        broken: list[int] = []
        for start in range(0, len(self.matrix), BLOCK):
            finite = np.isfinite(self.matrix[start : start + BLOCK]).all(axis=1)
            broken.extend((start + np.flatnonzero(~finite)).tolist())
        if broken:
            raise VectorsError(
                f"{self.origin}: {len(broken):,} vectors hold NaN or infinity, the first is that of "
                f"{self.words[broken[0]]!r}: train or download them again"
            )

    @cached_property
    def index(self) -> dict[str, int]:
        """Word to row."""
        return {word: row for row, word in enumerate(self.words)}

    @property
    def width(self) -> int:
        """S, the number of columns."""
        return int(self.matrix.shape[1])

    def projected(self, projection: NDArray[np.float64], origin: str) -> "WordVectors":
        """Return the vectors, including those of arbitrary text, multiplied by an (S, K) matrix."""
        matrix = np.empty((len(self.matrix), projection.shape[1]), dtype=np.float32)
        for start in range(0, len(matrix), BLOCK):
            matrix[start : start + BLOCK] = self.matrix[start : start + BLOCK].astype(np.float64) @ projection
        return replace(self, matrix=matrix, of_text=_after(self.of_text, projection), origin=origin)

    def reduced(self, width: int) -> "WordVectors":
        """Return the vectors projected onto their first `width` principal components.

        The components are those of the covariance around the mean, but the vectors are projected without
        centering, so that a zero vector ("unknown") stays zero.

        Raises:
            VectorsError: `width` is not smaller than the current width.
        """
        if not 0 < width < self.width:
            raise VectorsError(f"cannot reduce vectors of width {self.width} to {width}")
        mean = self.matrix.mean(axis=0, dtype=np.float64)
        covariance = np.zeros((self.width, self.width))
        for start in range(0, len(self.matrix), BLOCK):
            centered = self.matrix[start : start + BLOCK] - mean
            covariance += centered.T @ centered
        _, axes = np.linalg.eigh(covariance)
        widest_first = np.ascontiguousarray(axes[:, ::-1][:, :width])
        # LAPACK's choice of an axis's sign is arbitrary: fix it, so that machines agree.
        largest = np.abs(widest_first).argmax(axis=0)
        widest_first *= np.sign(widest_first[largest, np.arange(width)])
        return self.projected(widest_first, f"{self.origin}, {self.width} columns reduced to {width}")


def distinct(
    words: Iterable[str], matrix: Matrix, counts: Counts | None = None
) -> tuple[tuple[str, ...], Matrix, Counts | None]:
    """Drop empty and repeated words. The first row of a word is kept: rows are ordered by frequency."""
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        if word:
            rows.setdefault(word, row)
    if len(rows) == len(matrix):
        return tuple(rows), matrix, counts
    kept = np.fromiter(rows.values(), dtype=np.int64, count=len(rows))
    return tuple(rows), matrix[kept], None if counts is None else counts[kept]


def _after(of_text: OfText | None, projection: NDArray[np.float64]) -> OfText | None:
    if of_text is None:
        return None
    before = of_text

    def after(text: str) -> Matrix:
        return (before(text).astype(np.float64) @ projection).astype(np.float32)

    return after
