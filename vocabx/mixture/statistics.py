"""Statistics of the old rows of a matrix, in float64. Chunks of a memory-mapped one are read, never all."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 8192


def mean_of(matrix: Any, rows: int) -> NDArray[np.float64]:
    """(D,) the mean of the first `rows` rows of a matrix (at least `rows`, D) of any float dtype."""
    # What is infinite is told by whoever asks, and not by numpy.
    with np.errstate(invalid="ignore", over="ignore"):
        sums = (chunk.sum(axis=0) for chunk in _chunks(matrix, rows))
        total: NDArray[np.float64] = sum(sums, np.zeros(matrix.shape[1]))
    return total / rows


def variance_of(matrix: Any, rows: int, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(D,) the population variance of each column of the first `rows` rows."""
    squares = (((chunk - mean) ** 2).sum(axis=0) for chunk in _chunks(matrix, rows))
    total: NDArray[np.float64] = sum(squares, np.zeros(matrix.shape[1]))
    return total / rows


def covariance_of(matrix: Any, rows: int, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(D, D) the population covariance of the columns of the first `rows` rows."""
    width = matrix.shape[1]
    products = ((chunk - mean).T @ (chunk - mean) for chunk in _chunks(matrix, rows))
    total: NDArray[np.float64] = sum(products, np.zeros((width, width)))
    return total / rows


def square_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root; exact for a covariance of deficient rank, where Cholesky fails."""
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


def _chunks(matrix: Any, rows: int) -> Iterator[NDArray[np.float64]]:
    for start in range(0, rows, _BLOCK):
        yield np.asarray(matrix[start : min(start + _BLOCK, rows)], dtype=np.float64)
