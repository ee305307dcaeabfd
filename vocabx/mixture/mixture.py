"""The result of every initializer: how each new row is computed from old rows.

    E'_ND = W_NV @ E_VD + u_N * mean(E_VD) + draws

N new tokens, V old rows, D width. W is sparse; u is the weight of the mean of all old rows, which would make
W dense; draws are rows sampled around that mean. The same mixture is applied to each embedding matrix: input
embeddings, lm_head, output bias (D = 1).
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vocabx.errors import InitializerError

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Draws:
    """Rows sampled from a normal distribution fitted to the old rows.

    New row i is always the i-th row of the random stream, whichever other rows are sampled. So the result is
    the same as in the reference code of WECHSEL and OFA, which samples the whole matrix at once.

    Attributes:
        rows: int64, the new rows that are sampled, ascending.
        covariance: "diagonal" samples each dimension from N(mean, std); "full" samples rows from
            N(mean, scale * covariance). Both are population statistics over the old rows.
        scale: factor of the covariance.
        seed: of numpy's RandomState, whose stream numpy guarantees never to change.
    """

    rows: NDArray[np.int64]
    covariance: Literal["diagonal", "full"]
    scale: float
    seed: int


@dataclass(frozen=True)
class Mixture:
    """New rows as weighted means of old rows, or as samples.

    Attributes:
        weights: (N, V) CSR, float64, duplicates summed; V counts the old rows of tokens only.
        uniform: (N,) float64, the weight of the mean of all V old rows.
        draws: rows that are sampled instead; their `weights` and `uniform` are 0.
    """

    weights: "sparse.csr_array[Any]"
    uniform: NDArray[np.float64]
    draws: Draws | None = None

    @property
    def rows(self) -> int:
        """N, the number of new rows."""
        return int(self.weights.shape[0])

    @property
    def old_rows(self) -> int:
        """V, the number of old rows."""
        return int(self.weights.shape[1])

    def blocks(self, table: Any, size: int = 4096) -> Iterator[Float]:
        """Yield the float32 new rows for `table` in order, `size` at a time.

        Args:
            table: embedding matrix, (at least V, D), of any float type, memory-mapped or not; rows from V on
                are ignored, and only the rows that a block mixes are read.
            size: rows per block; affects memory, not values.

        Raises:
            InitializerError: the matrix has fewer than V rows.
        """
        check_rows(table, self.old_rows)
        mean = np.zeros(table.shape[1])
        if self.draws is not None or self.uniform.any():
            mean = _mean(table, self.old_rows)
        draw = None if self.draws is None else _drawing(self.draws, table, self.old_rows, mean)
        drawn = np.zeros(self.rows, dtype=bool)
        drawn[[] if self.draws is None else self.draws.rows] = True
        for start in range(0, self.rows, size):
            part = slice(start, min(start + size, self.rows))
            rows = _product(self.weights[part], table)
            if self.uniform[part].any():
                rows += self.uniform[part, None] * mean
            # Rows before a sampled one are sampled too, to advance the stream; rows after the last are not.
            if draw is not None and drawn[start:].any():
                sampled = draw(len(rows))
                rows[drawn[part]] = sampled[drawn[part]]
            yield rows.astype(np.float32, copy=False)

    def apply(self, table: Any) -> Float:
        """Return the (N, D) float32 new rows for `table`; see `blocks`."""
        return np.concatenate(list(self.blocks(table))) if self.rows else np.zeros((0, table.shape[1]), "f4")

    def column_sums(self) -> NDArray[np.float64]:
        """(V,) c = Wᵀ1: the total weight of each old row in all new rows, without sampled rows."""
        sums = np.asarray(self.weights.sum(axis=0), dtype=np.float64).ravel()
        background: np.float64 = self.uniform.sum() / self.old_rows
        return sums + background

    def hull_bound(self) -> float | None:
        """Upper bound in nats on KL(old ‖ new) of the next-token distribution after old tokens.

        log(1 + max c) with c the column sums (CW2V, arXiv 2407.05841, and its corollary, derived here): a
        new logit is a convex combination of old ones, so by Jensen's inequality its exponential is at most
        the same combination of theirs. None if a row is sampled, and so may lie outside the hull.
        """
        if self.draws is not None:
            return None
        return math.log1p(float(self.column_sums().max())) if self.rows else 0.0

    def collisions(self) -> int:
        """The number of new rows that equal another new row, in every embedding matrix."""
        counts: dict[tuple[bytes, bytes, float], int] = {}
        drawn = set() if self.draws is None else set(self.draws.rows.tolist())
        pointer = self.weights.indptr
        for row in range(self.rows):
            if row in drawn:
                continue
            part = slice(pointer[row], pointer[row + 1])
            key = (
                self.weights.indices[part].tobytes(),
                self.weights.data[part].tobytes(),
                float(self.uniform[row]),
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
        return total.hexdigest()

    def drawing(self, draws: Draws) -> "Mixture":
        """Return this mixture with the rows of `draws` sampled; itself if there are none."""
        return replace(self, draws=draws) if len(draws.rows) else self

    def copying(self, copies: Mapping[int, int]) -> "Mixture":
        """Return this mixture with old rows copied unchanged, given as new row to old row."""
        rows = np.fromiter(copies, np.int64, len(copies))
        old = np.fromiter(copies.values(), np.int64, len(copies))
        return self._replacing(rows, old, rows, np.ones(len(rows)))

    def mixing_draws(self, other: "Mixture") -> "Mixture":
        """Return this mixture with sampled rows replaced by those of `other`."""
        rows = np.zeros(0, np.int64) if self.draws is None else self.draws.rows
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
        single = (np.diff(self.weights.indptr) == 1) & (self.uniform == 0)
        if self.draws is not None:
            single[self.draws.rows] = False
        rows = np.flatnonzero(single)
        places = self.weights.indptr[rows]
        whole = self.weights.data[places] == 1.0
        return rows[whole].astype(np.int64), self.weights.indices[places[whole]].astype(np.int64)

    def _replacing(
        self, rows: NDArray[np.int64], old: NDArray[Any], new: NDArray[Any], weights: NDArray[Any]
    ) -> "Mixture":
        """This mixture with `rows` replaced by entries (new row, old id, weight)."""
        if not len(rows):
            return self
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
        plain = replace(plain, uniform=self.uniform * others)
        if self.draws is None:
            return plain
        return plain.drawing(replace(self.draws, rows=np.setdiff1d(self.draws.rows, rows)))

    def followed_by_means(self, count: int) -> "Mixture":
        """Return this mixture with `count` further rows that are the mean of the old rows."""
        padding = sparse.csr_array((count, self.old_rows), dtype=np.float64)
        weights = sparse.csr_array(sparse.vstack([self.weights, padding], format="csr"))
        return Mixture(weights, np.append(self.uniform, np.ones(count)), self.draws)


def check_rows(table: Any, old_rows: int) -> None:
    """Check that an embedding matrix has a row for each of `old_rows` tokens.

    Raises:
        InitializerError: it has fewer rows.
    """
    if table.shape[0] < old_rows:
        raise InitializerError(
            f"the embedding matrix has {table.shape[0]:,} rows and the tokenizer {old_rows:,} tokens: the "
            "tokenizer belongs to another base"
        )


def from_rows(rows: list[tuple[NDArray[np.int64], NDArray[np.float64]]], old_rows: int) -> Mixture:
    """Build a mixture from (old ids, weights) for each new row; weights of repeated ids are summed."""
    lengths = [len(ids) for ids, _ in rows]
    indices = np.concatenate([ids for ids, _ in rows]) if rows else np.zeros(0, np.int64)
    data = np.concatenate([weights for _, weights in rows]) if rows else np.zeros(0)
    pointer = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    weights = sparse.csr_array((data, indices, pointer), shape=(len(rows), old_rows))
    weights.sum_duplicates()
    return Mixture(weights, np.zeros(len(rows)))


def from_entries(
    new: NDArray[np.int64], old: NDArray[np.int64], weights: NDArray[np.float64], rows: int, old_rows: int
) -> Mixture:
    """Build a mixture of `rows` rows from entries (new row, old id, weight); repeated entries are summed."""
    entries = sparse.coo_array((weights, (new, old)), shape=(rows, old_rows))
    return Mixture(entries.tocsr(), np.zeros(rows))


def without_rows(count: int, old_rows: int, uniform: float, draws: Draws | None) -> Mixture:
    """Build a mixture of `count` rows without weights of individual old rows."""
    empty = sparse.csr_array((count, old_rows), dtype=np.float64)
    return Mixture(empty, np.full(count, uniform), draws)


_BLOCK = 8192
# Rows per thread at a time, so that the old rows they mix are only a small copy.
_PART = 512
_THREADS = min(4, os.cpu_count() or 1)


def _product(weights: "sparse.csr_array[Any]", table: Any) -> NDArray[Any]:
    """W @ E in float32, or in float64 for a float64 matrix, reading only the rows of E that W mixes."""
    dtype = np.float64 if getattr(table, "dtype", None) == np.float64 else np.float32
    product = np.zeros((weights.shape[0], table.shape[1]), dtype)
    if weights.nnz:
        parts = [slice(start, start + _PART) for start in range(0, len(product), _PART)]

        def fill(part: slice) -> None:
            product[part] = _multiply(weights[part], table, dtype)

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(fill, parts))
    return product


def _multiply(weights: "sparse.csr_array[Any]", table: Any, dtype: type) -> NDArray[Any]:
    rows, old_rows = weights.shape
    data: NDArray[Any] = weights.data.astype(dtype)
    if isinstance(table, np.ndarray) and table.dtype == dtype and table.flags.c_contiguous:
        whole = sparse.csr_array((data, weights.indices, weights.indptr), shape=(rows, old_rows))
        return np.asarray(whole @ table[:old_rows])
    used = np.unique(weights.indices)
    narrow = sparse.csr_array(
        (data, np.searchsorted(used, weights.indices), weights.indptr), shape=(rows, len(used))
    )
    return np.asarray(narrow @ np.asarray(table[used], dtype=dtype))


def _drawing(
    draws: Draws, table: Any, rows: int, mean: NDArray[np.float64]
) -> Callable[[int], NDArray[np.float64]]:
    """A function that samples the next rows of one random stream, independent of the block size."""
    random = np.random.RandomState(draws.seed)
    if draws.covariance == "diagonal":
        std = np.sqrt(draws.scale * _variance(table, rows, mean))
        return lambda count: mean + random.standard_normal((count, len(mean))) * std
    root = _root(draws.scale * _covariance(table, rows, mean))
    return lambda count: mean + random.standard_normal((count, len(mean))) @ root


def _chunks(table: Any, rows: int) -> Iterator[NDArray[np.float64]]:
    for start in range(0, rows, _BLOCK):
        yield np.asarray(table[start : min(start + _BLOCK, rows)], dtype=np.float64)


def _mean(table: Any, rows: int) -> NDArray[np.float64]:
    total: NDArray[np.float64] = sum((c.sum(axis=0) for c in _chunks(table, rows)), np.zeros(table.shape[1]))
    return total / rows


def _variance(table: Any, rows: int, mean: Any) -> NDArray[np.float64]:
    squares = (((c - mean) ** 2).sum(axis=0) for c in _chunks(table, rows))
    total: NDArray[np.float64] = sum(squares, np.zeros(table.shape[1]))
    return total / rows


def _covariance(table: Any, rows: int, mean: Any) -> NDArray[np.float64]:
    width = table.shape[1]
    products = ((c - mean).T @ (c - mean) for c in _chunks(table, rows))
    total: NDArray[np.float64] = sum(products, np.zeros((width, width)))
    return total / rows


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root, which also exists for a rank-deficient covariance, where Cholesky fails."""
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
