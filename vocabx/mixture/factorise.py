"""Factorizes an embedding matrix into coordinates times primitives: E ≈ F P, the best of its rank.

Source: OFA (arXiv 2311.08849), without centering. U S Vᵀ = svd(E), F = U_k (unscaled), P = S_k V_kᵀ. Computed
from the eigenvectors of EᵀE in float64, which gives the same factors with far less work, because D is much
smaller than V. The sign of a factor is arbitrary; here the largest entry of every primitive is positive
(inferred), so that rows sampled among coordinates do not depend on a library's choice.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError

_ROWS = 8192


@dataclass(frozen=True)
class Factors:
    """A factorized embedding matrix.

    Attributes:
        coordinates: F, (V, K) float32, one row per token.
        primitives: P, (K, D) float32, shared by all tokens.
    """

    coordinates: NDArray[np.float32]
    primitives: NDArray[np.float32]


def factorise(table: Any, rank: int, rows: int | None = None, balance: float = 0.0) -> Factors:
    """Factorize the first `rows` rows of `table` (V, D) to rank K.

    Args:
        table: embedding matrix of any float type, memory-mapped or not; read twice, some rows at a time.
        rank: K, from 1 to min(V, D).
        rows: V; all rows by default.
        balance: a in F = U S^a, P = S^(1-a) Vᵀ. The product is the same for every a. 0 is the reference,
            where the entries of F are as small as 1/√V; 0.5 gives both factors the same scale, which suits
            training better (inferred).

    Raises:
        InitializerError: the rank is out of range, or the matrix contains NaN or infinity.
    """
    rows = table.shape[0] if rows is None else rows
    width = table.shape[1]
    if not 1 <= rank <= min(rows, width):
        raise InitializerError(
            f"--rank is {rank}: an embedding matrix of {rows:,} rows and width {width:,} has ranks from 1 to "
            f"{min(rows, width):,}"
        )
    square = np.zeros((width, width))
    for start in range(0, rows, _ROWS):
        chunk = np.asarray(table[start : min(start + _ROWS, rows)], dtype=np.float64)
        square += chunk.T @ chunk
    if not np.isfinite(square).all():
        raise InitializerError("the base's embeddings contain NaN or infinity: the base is damaged")
    values, vectors = np.linalg.eigh(square)
    singular = np.sqrt(np.maximum(values[::-1][:rank], 0.0))
    directions = _signed(vectors[:, ::-1][:, :rank])
    scale = np.divide(1.0, singular ** (1 - balance), out=np.zeros(rank), where=singular > 0)
    # The factors are float64 up to here; a float32 product loses no more precision than storing them does.
    into = np.ascontiguousarray(directions * scale, dtype=np.float32)
    coordinates = np.empty((rows, rank), np.float32)
    for start in range(0, rows, _ROWS):
        chunk = np.asarray(table[start : min(start + _ROWS, rows)], dtype=np.float32)
        coordinates[start : start + len(chunk)] = chunk @ into
    primitives = (directions * singular ** (1 - balance)).T
    return Factors(coordinates, np.ascontiguousarray(primitives, dtype=np.float32))


def _signed(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(directions).argmax(axis=0)
    signs = np.where(directions[largest, np.arange(directions.shape[1])] < 0, -1.0, 1.0)
    signed: NDArray[np.float64] = directions * signs
    return signed
