"""W @ E for a sparse W: only the rows of E that W mixes are read, some at a time and by several threads."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vocabx.errors import InitializerError

# Rows multiplied at a time by one thread: few enough that the old rows they mix are a small copy.
_PART = 512
_THREADS = min(4, os.cpu_count() or 1)


def product_of(weights: "sparse.csr_array[Any]", table: Any) -> NDArray[Any]:
    """W @ E in float32, or in float64 for a table of float64, reading only the rows of E that W mixes."""
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


def finite_rows(rows: NDArray[Any], start: int) -> NDArray[np.float32]:
    """New rows (N, D) as float32, the first of which is row `start`.

    Raises:
        InitializerError: one holds NaN or infinity, as of an old row that does, or is beyond float32.
    """
    with np.errstate(over="ignore"):
        made: NDArray[np.float32] = rows.astype(np.float32, copy=False)
    sound = np.isfinite(made).all(axis=1)
    if not sound.all():
        raise InitializerError(
            f"new row {start + int(np.argmin(sound)):,} comes out as NaN or infinity: the embedding matrix "
            "holds such a number in a row that it is made of, or one beyond float32"
        )
    return made
