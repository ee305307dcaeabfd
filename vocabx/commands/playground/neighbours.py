"""The tokens whose embeddings are nearest to one token's, by cosine, in a matrix that stays on disk.

Exact and in float64: no index, and no model is loaded. A matrix is read once for each question, a block of
rows at a time.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.factorised import rows_of
from vocabx.checkpoint.tables import Checkpoint, Table

# Numbers per block: 8 MB in float64.
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Neighbour:
    """A token, and the cosine of its embedding with the one asked about."""

    id: int
    cosine: float


@dataclass(frozen=True)
class Neighbourhood:
    """The nearest neighbors in one matrix.

    Attributes:
        matrix: "input embeddings" or "lm_head".
        neighbours: nearest first, of equal ones the lowest id first; empty if the token's embedding is
            zero or not finite, and has no direction.
    """

    matrix: str
    neighbours: tuple[Neighbour, ...]


def matrices(checkpoint: Checkpoint) -> dict[str, Table]:
    """The matrices in which neighbors are sought, by name: the input embeddings, and an untied lm_head."""
    found = {"input embeddings": checkpoint.input}
    if checkpoint.output is not None and not checkpoint.tied:
        found["lm_head"] = checkpoint.output
    return found


def neighbourhoods(
    checkpoint: Checkpoint, index: int, among: Collection[int], count: int
) -> tuple[Neighbourhood, ...]:
    """The neighbors of a token in each matrix.

    Args:
        checkpoint: the model.
        index: the token's id, below the number of rows.
        among: the ids that may be neighbors; `index` itself never is, and ids without a row are passed over.
        count: how many neighbors are wanted.
    """
    return tuple(
        Neighbourhood(name, nearest_rows(table, index, among, count))
        for name, table in matrices(checkpoint).items()
    )


def nearest_rows(table: Table, index: int, among: Collection[int], count: int) -> tuple[Neighbour, ...]:
    """The rows of a matrix nearest to its row `index`; see `neighbourhoods`."""
    wanted = np.zeros(table.rows, dtype=bool)
    wanted[[number for number in among if 0 <= number < table.rows and number != index]] = True
    row = np.asarray(rows_of(table)[index : index + 1], dtype=np.float64)[0]
    norm = float(np.sqrt(row @ row))
    if not np.isfinite(norm) or norm == 0:
        return ()
    cosines = np.full(table.rows, -np.inf)
    size = max(1, _BLOCK // len(row))
    for start in range(0, table.rows, size):
        # A new map per block: with one long-lived map, everything read would stay resident.
        block = np.asarray(rows_of(table)[start : start + size], dtype=np.float64)
        cosines[start : start + len(block)] = _cosines(block, row / norm)
    cosines[~wanted] = -np.inf
    order = np.argsort(-cosines, kind="stable")[:count]
    return tuple(Neighbour(int(n), float(cosines[n])) for n in order if cosines[n] > -np.inf)


def _cosines(block: NDArray[np.float64], unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cosine of each row with a unit vector; 0 for a row of zeros, -inf for one that is not finite."""
    # einsum sums each row in the same order wherever it stands, so that equal rows get equal cosines.
    with np.errstate(invalid="ignore", over="ignore"):
        norms = np.sqrt(np.einsum("rd,rd->r", block, block))
        products = np.einsum("rd,d->r", block, unit)
        cosines: NDArray[np.float64] = np.divide(products, norms, out=np.zeros(len(block)), where=norms > 0)
    cosines[~np.isfinite(norms)] = -np.inf
    return cosines
