"""The result of every initializer: how each new row is computed from old rows.

    E'_ND = W_NV @ E_VD + u_N * mean(E_VD) + draws + shift_ND

N new tokens, V old rows, D width. W is sparse; u is the weight of the mean of all old rows, which would make
W dense; draws are rows sampled around that mean; the shift is what no mixture of old rows expresses, as rows
that were learned. The same mixture is applied to each embedding matrix: input embeddings, lm_head, output
bias (D = 1). Only a shift belongs to one matrix, of its width.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vocabx.errors import InitializerError
from vocabx.mixture.check_arrays import (
    check_count,
    check_finite,
    check_ids,
    check_matrix,
    check_shift,
    check_vector,
    check_weights,
    check_width,
    checked_ids,
    checked_weights,
)
from vocabx.mixture.draws import Draws
from vocabx.mixture.product import finite_rows, product_of
from vocabx.mixture.statistics import mean_of

Float = NDArray[np.float32]
# Old rows whose lengths are computed at once.
_READ = 4096
# Of a sum of weights in float64.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Mixture:
    """New rows as weighted means of old rows, or as samples.

    What an instance holds can be applied to every matrix that has its old rows, without reading beyond them.

    Attributes:
        weights: (N, V) CSR, float64, the ids of a row ascending and each once; V, at least 1, counts the old
            rows of tokens only.
        uniform: (N,) float64, the weight of the mean of all V old rows.
        draws: rows that are sampled instead; their `weights` and `uniform` are 0.
        shift: (N, D) float32, added to the new rows, drawn ones too; None for nothing. A mixture that has one
            can only be applied to matrices of width D.

    Raises:
        InitializerError: an id is outside [0, V), a number is not finite, or a shape, a dtype or an order
            differs.
    """

    weights: "sparse.csr_array[Any]"
    uniform: NDArray[np.float64]
    draws: Draws | None = None
    shift: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        check_weights(self.weights)
        check_vector(self.uniform, np.float64, "the weights of the mean")
        if len(self.uniform) != self.rows:
            raise InitializerError(
                f"there are {len(self.uniform):,} weights of the mean and {self.rows:,} new rows: pass one "
                "for each"
            )
        check_finite(self.uniform, "the weights of the mean")
        if self.shift is not None:
            check_shift(self.shift, self.rows)
        if self.draws is None:
            return
        drawn = self.draws.rows
        check_ids(drawn, self.rows, "a row that is drawn")
        if self.uniform[drawn].any() or np.diff(self.weights.indptr)[drawn].any():
            raise InitializerError("a row that is drawn has weights, too: leave one of them out")

    @property
    def rows(self) -> int:
        """N, the number of new rows."""
        return int(self.weights.shape[0])

    @property
    def old_rows(self) -> int:
        """V, the number of old rows."""
        return int(self.weights.shape[1])

    @property
    def shifted(self) -> NDArray[np.bool_]:
        """(N,) whether each new row has a shift other than zero."""
        if self.shift is None:
            return np.zeros(self.rows, dtype=bool)
        return np.asarray(self.shift.any(axis=1))

    def blocks(self, table: Any, size: int = 4096) -> Iterator[Float]:
        """Yield the float32 new rows for `table` in order, `size` at a time.

        Args:
            table: embedding matrix, (at least V, D), of float16, bfloat16, float32 or float64, memory-mapped
                or not; rows from V on are ignored, and only the rows that a block mixes are read.
            size: rows per block; affects memory, not values.

        Raises:
            InitializerError: the matrix has fewer rows than there are old tokens, another rank, another dtype
                or another width than the shift, or a mixed row holds NaN or infinity.
        """
        check_matrix(table, self.old_rows)
        if self.shift is not None:
            check_width(self.shift, table)
        check_count(size, 1, math.inf, "the number of rows in a block")
        mean = np.zeros(table.shape[1])
        if self.draws is not None or self.uniform.any():
            mean = mean_of(table, self.old_rows)
            check_finite(mean, "the old rows of the embedding matrix")
        draw = None if self.draws is None else self.draws.sampler(table, self.old_rows, mean)
        drawn = np.zeros(self.rows, dtype=bool)
        drawn[[] if self.draws is None else self.draws.rows] = True
        for start in range(0, self.rows, size):
            part = slice(start, min(start + size, self.rows))
            rows = product_of(self.weights[part], table)
            if self.uniform[part].any():
                rows += self.uniform[part, None] * mean
            # Rows before a sampled one are sampled too, to advance the stream; rows after the last are not.
            if draw is not None and drawn[start:].any():
                sampled = draw(len(rows))
                rows[drawn[part]] = sampled[drawn[part]]
            if self.shift is not None:
                rows += self.shift[part]
            yield finite_rows(rows, start)

    def apply(self, table: Any) -> Float:
        """Return the (N, D) float32 new rows for `table`; see `blocks`."""
        blocks = list(self.blocks(table))
        return np.concatenate(blocks) if blocks else np.zeros((0, table.shape[1]), np.float32)

    def column_sums(self) -> NDArray[np.float64]:
        """(V,) c = Wᵀ1: the total weight of each old row in all new rows, without sampled rows and shifts."""
        sums = np.asarray(self.weights.sum(axis=0), dtype=np.float64).ravel()
        background: np.float64 = self.uniform.sum() / self.old_rows
        return sums + background

    def hull_bound(self) -> float | None:
        """Upper bound in nats on KL(old ‖ new) of the next-token distribution after old tokens.

        log(1 + max c) with c the column sums (CW2V, arXiv 2407.05841, and its corollary, derived here): a
        new logit is a convex combination of old ones, so by Jensen's inequality its exponential is at most
        the same combination of theirs. None if a row is sampled, shifted or no convex combination, and so
        may lie outside the hull.
        """
        if self.draws is not None or self.shifted.any() or not self._is_convex():
            return None
        return math.log1p(float(self.column_sums().max())) if self.rows else 0.0

    def _is_convex(self) -> bool:
        sums = np.asarray(self.weights.sum(axis=1)).ravel() + self.uniform
        negative = (self.weights.data < 0).any() or (self.uniform < 0).any()
        return not negative and bool((np.abs(sums - 1) <= _ROUNDING).all())

    def collisions(self) -> int:
        """The number of new rows that equal another new row, in every embedding matrix."""
        counts: dict[tuple[bytes, bytes, float, bytes], int] = {}
        drawn = set() if self.draws is None else set(self.draws.rows.tolist())
        pointer, shifted = self.weights.indptr, self.shifted
        for row in range(self.rows):
            if row in drawn:
                continue
            part = slice(pointer[row], pointer[row + 1])
            key = (
                self.weights.indices[part].tobytes(),
                self.weights.data[part].tobytes(),
                float(self.uniform[row]),
                # Adding zero makes one zero of two.
                (self.shift[row] + 0).tobytes() if self.shift is not None and shifted[row] else b"",
            )
            counts[key] = counts.get(key, 0) + 1
        return sum(count for count in counts.values() if count > 1)

    def digest(self) -> str:
        """The sha256 of everything that determines the new rows of a given matrix, in hexadecimal."""
        weights, draws = self.weights, self.draws
        places = (weights.indptr.astype(np.int64), weights.indices.astype(np.int64))
        parts = [*places, weights.data, self.uniform]
        drawn = "" if draws is None else f"{draws.covariance} {draws.scale!r} {draws.seed}"
        total = hashlib.sha256(f"{weights.shape} {drawn}".encode())
        for part in [*parts, *([] if draws is None else [draws.rows])]:
            total.update(np.ascontiguousarray(part).tobytes())
        # A mixture without a shift keeps the digest that it had before there were any.
        if self.shift is not None:
            total.update(f"shift {self.shift.shape}".encode())
            total.update(np.ascontiguousarray(self.shift).data)
        return total.hexdigest()

    def drawing(self, draws: Draws) -> "Mixture":
        """Return this mixture with the rows of `draws` sampled; itself if there are none."""
        return replace(self, draws=draws) if len(draws.rows) else self

    def shifting(self, shift: NDArray[np.float32] | None) -> "Mixture":
        """Return this mixture with `shift` (N, D) in place of its own; with None it has none."""
        return replace(self, shift=shift)

    def folding(self, rows: int) -> "Mixture":
        """Return this mixture for a matrix of only `rows` old rows, whose first stands for those it lacks."""
        if rows >= self.old_rows:
            return self
        entries = self.weights.tocoo()
        columns = np.where(entries.col < rows, entries.col, 0)
        folded = sparse.csr_array((entries.data, (entries.row, columns)), shape=(self.rows, rows))
        folded.sum_duplicates()
        folded.sort_indices()
        return replace(self, weights=folded)

    def copying(self, copies: Mapping[int, int]) -> "Mixture":
        """Return this mixture with old rows copied unchanged, given as new row to old row."""
        rows = np.fromiter(copies, np.int64, len(copies))
        old = np.fromiter(copies.values(), np.int64, len(copies))
        return self._replacing(rows, old, rows, np.ones(len(rows)))

    def mixing_draws(self, other: "Mixture") -> "Mixture":
        """Return this mixture with sampled rows replaced by those of `other`, which only have weights.

        Raises:
            InitializerError: one of these has a weight of the mean, a shift, or is sampled.
        """
        rows = np.zeros(0, np.int64) if self.draws is None else self.draws.rows
        sampled = other.draws is not None and np.isin(rows, other.draws.rows).any()
        if sampled or other.uniform[rows].any() or other.shifted[rows].any():
            raise InitializerError("the rows that replace sampled ones have more than weights: mix old rows")
        entries = other.weights[rows].tocoo()
        return self._replacing(rows, entries.col, rows[entries.row], entries.data)

    def averaging(self, rows: Sequence[int]) -> "Mixture":
        """Return this mixture with the mean of the old rows for some new rows."""
        chosen, none = np.asarray(rows, np.int64), np.zeros(0, np.int64)
        plain = self._replacing(chosen, none, none, np.zeros(0))
        uniform = plain.uniform.copy()
        uniform[chosen] = 1
        return replace(plain, uniform=uniform)

    def copied(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The new rows that are copies of an old row, ascending, and those old rows, both int64."""
        single = (np.diff(self.weights.indptr) == 1) & (self.uniform == 0) & ~self.shifted
        if self.draws is not None:
            single[self.draws.rows] = False
        rows = np.flatnonzero(single)
        places = self.weights.indptr[rows]
        whole = self.weights.data[places] == 1.0
        return rows[whole].astype(np.int64), self.weights.indices[places[whole]].astype(np.int64)

    def of_directions(self, table: Any) -> "Mixture":
        """Return this mixture with each old row of `table` divided by its length.

        Where rows are normalized and only directions matter, a longer old row must not count for more. New
        rows get the mean length of their old ones. Copies, and rows that are sampled or shifted, stay.

        Args:
            table: embedding matrix, (at least V, D).
        """
        weights = self.weights.copy()
        lengths = np.ones(self.old_rows)
        used = np.unique(weights.indices)
        for start in range(0, len(used), _READ):
            part = used[start : start + _READ]
            lengths[part] = np.linalg.norm(np.asarray(table[part], np.float64), axis=1)
        lengths[lengths == 0] = 1
        rows = np.repeat(np.arange(self.rows), np.diff(weights.indptr))
        sizes = np.abs(weights.data)
        total = np.bincount(rows, sizes, self.rows)
        mean = np.bincount(rows, sizes * lengths[weights.indices], self.rows) / np.where(total, total, 1)
        mixed = ~self.shifted
        mixed[self.copied()[0]] = False
        scale = np.where(mixed[rows], mean[rows] / lengths[weights.indices], 1.0)
        weights.data = weights.data * scale
        return replace(self, weights=weights)

    def strongest(self) -> NDArray[np.int64]:
        """(N,) int64, the old row with the largest weight in each new row; of several, the first.

        0 for a row that is sampled or only the mean of all, of which none is stronger.
        """
        entries = self.weights.tocoo()
        order = np.lexsort((-entries.col, entries.data, entries.row))
        rows = entries.row[order]
        last = np.flatnonzero(np.append(rows[1:] != rows[:-1], True)) if len(rows) else order
        found = np.zeros(self.rows, np.int64)
        found[rows[last]] = entries.col[order[last]]
        return found

    def preceded_by_means(self, count: int) -> "Mixture":
        """Return this mixture with `count` further rows before its own that are the mean of the old rows."""
        if not count:
            return self
        padding = sparse.csr_array((count, self.old_rows), dtype=np.float64)
        weights = sparse.csr_array(sparse.vstack([padding, self.weights], format="csr"))
        shift = None if self.shift is None else np.pad(self.shift, ((count, 0), (0, 0)))
        draws = None if self.draws is None else replace(self.draws, rows=self.draws.rows + count)
        return Mixture(weights, np.append(np.ones(count), self.uniform), draws, shift)

    def followed_by_means(self, count: int) -> "Mixture":
        """Return this mixture with `count` further rows that are the mean of the old rows."""
        padding = sparse.csr_array((count, self.old_rows), dtype=np.float64)
        weights = sparse.csr_array(sparse.vstack([self.weights, padding], format="csr"))
        shift = None if self.shift is None else np.pad(self.shift, ((0, count), (0, 0)))
        return Mixture(weights, np.append(self.uniform, np.ones(count)), self.draws, shift)

    def shifting_last(self, count: int, shift: NDArray[np.float32]) -> "Mixture":
        """Return this mixture with `shift` (D,) added to its last `count` rows."""
        if not count:
            return self
        # Zeros that are never written take no memory.
        whole = np.zeros((self.rows, len(shift)), np.float32) if self.shift is None else self.shift.copy()
        whole[-count:] += shift
        return self.shifting(whole)

    def _replacing(
        self, rows: NDArray[np.int64], old: NDArray[Any], new: NDArray[Any], weights: NDArray[Any]
    ) -> "Mixture":
        """This mixture with `rows` replaced by entries (new row, old id, weight), and without a shift."""
        if not len(rows):
            return self
        check_ids(rows, self.rows, "a new row")
        others = np.ones(self.rows)
        others[rows] = 0
        entries = self.weights.tocoo()
        kept = others[entries.row] > 0
        plain = from_entries(
            np.concatenate([entries.row[kept], new]),
            np.concatenate([entries.col[kept], old]),
            np.concatenate([entries.data[kept], weights]),
            self.rows,
            self.old_rows,
        )
        shift = None if self.shift is None else np.where(others[:, None] > 0, self.shift, np.float32(0))
        plain = replace(plain, uniform=self.uniform * others, shift=shift)
        if self.draws is None:
            return plain
        return plain.drawing(replace(self.draws, rows=np.setdiff1d(self.draws.rows, rows)))


def from_rows(rows: Sequence[tuple[Any, Any]], old_rows: int) -> Mixture:
    """Build a mixture from (old ids, weights) for each new row; weights of repeated ids are summed.

    Args:
        rows: for each new row (n,) integers and as many floats; with n = 0 it is a row of zeros.
        old_rows: V.

    Raises:
        InitializerError: a row is ragged, an id is no integer from 0 to below V, or a weight is not finite.
    """
    check_count(old_rows, 1, math.inf, "the number of old tokens")
    ids, lengths = checked_ids((row for row, _ in rows), old_rows, "new row")
    data = checked_weights((row for _, row in rows), lengths)
    pointer = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    weights = sparse.csr_array((data, ids, pointer), shape=(len(rows), old_rows))
    weights.sum_duplicates()
    return Mixture(weights, np.zeros(len(rows)))


def from_entries(
    new: NDArray[np.int64], old: NDArray[np.int64], weights: NDArray[np.float64], rows: int, old_rows: int
) -> Mixture:
    """Build a mixture of `rows` rows from entries (new row, old id, weight); repeated entries are summed.

    Raises:
        InitializerError: the three differ in length, an id is out of range, or a weight not finite.
    """
    check_count(old_rows, 1, math.inf, "the number of old tokens")
    if not new.shape == old.shape == weights.shape or new.ndim != 1:
        raise InitializerError(
            f"there are {new.size:,} new rows, {old.size:,} old ids and {weights.size:,} weights: pass as "
            "many of each"
        )
    check_ids(new, rows, "a new row")
    check_ids(old, old_rows, "an old token id")
    entries = sparse.coo_array((weights, (new, old)), shape=(rows, old_rows))
    return Mixture(entries.tocsr(), np.zeros(rows))


def without_rows(count: int, old_rows: int, uniform: float, draws: Draws | None) -> Mixture:
    """Build a mixture of `count` rows without weights of individual old rows."""
    empty = sparse.csr_array((count, old_rows), dtype=np.float64)
    return Mixture(empty, np.full(count, uniform), draws)
