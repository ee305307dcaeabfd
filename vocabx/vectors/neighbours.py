"""The old tokens nearest to each new one by cosine. Exact, without an approximate index."""

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.errors import InitializerError

# As in WECHSEL's reference code: avoids division by zero for a row of zeros.
_EPSILON = 1e-8
# Where float32 can hardly distinguish the k-th from the next, this many more are ordered in float64. Tokens
# with equal vectors are common, and neither rounding nor a library's order must decide between them.
_SPARE = 6
_CLOSE = 1e-5
_ROWS = 2048


def nearest(
    source: NDArray[np.float32], target: NDArray[np.float32], neighbours: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the k old tokens with the largest cosine to each new token.

    Ties at the k-th place go to the lower id. A row of zeros has the cosine 0 to every other.

    Args:
        source: (V, S) vectors of the old tokens.
        target: (N, S) vectors of the new tokens, in the same space.
        neighbours: k, at most V.

    Returns:
        Ids (N, k) int64 and cosines (N, k) float64, nearest first. Beyond these, it takes the memory of a
        float32 copy of both inputs and of a block of products.

    Raises:
        InitializerError: the widths differ, a row contains NaN, or k is out of range.
        MissingPackageError: faiss is not installed.
    """
    check_vectors(source, target)
    if not 1 <= neighbours <= len(source):
        raise InitializerError(
            f"--neighbours is {neighbours}: pass 1 to {len(source):,}, the number of old tokens"
        )
    if not len(target):
        return np.zeros((0, neighbours), np.int64), np.zeros((0, neighbours))
    faiss = need("faiss", "vectors")
    source, target = unit_rows(source), unit_rows(target)
    # At most V: faiss pads with -1 beyond.
    wanted = min(neighbours + _SPARE, len(source))
    cosines, ids = faiss.knn(target, source, wanted, metric=faiss.METRIC_INNER_PRODUCT)
    close = np.zeros(len(target), dtype=bool)
    if wanted > neighbours:
        close = cosines[:, neighbours - 1] - cosines[:, neighbours] < _CLOSE
    nearest_ids = ids[:, :neighbours].astype(np.int64)
    nearest_cosines = cosines[:, :neighbours].astype(np.float64)
    for rows in np.array_split(np.flatnonzero(close), 1 + close.sum() // _ROWS):
        candidates = np.sort(ids[rows], axis=1)
        exact = np.einsum("ns,nks->nk", target[rows], source[candidates], dtype=np.float64)
        order = np.argsort(-exact, axis=1, kind="stable")[:, :neighbours]
        nearest_ids[rows] = np.take_along_axis(candidates, order, axis=1)
        nearest_cosines[rows] = np.take_along_axis(exact, order, axis=1)
    return nearest_ids, nearest_cosines


def check_vectors(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    """Check that two sets of token vectors can be compared.

    Raises:
        InitializerError: their widths differ, or a row contains NaN or infinity.
    """
    if source.shape[1] != target.shape[1]:
        raise InitializerError(
            f"the vectors of the old tokens are {source.shape[1]} wide and those of the new ones "
            f"{target.shape[1]}: bring them into one space first"
        )
    for name, vectors in (("old", source), ("new", target)):
        broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(broken):
            raise InitializerError(
                f"the vectors of {len(broken):,} {name} tokens hold NaN or infinity, the first is number "
                f"{broken[0]:,}: fix the file they come from"
            )


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows divided by (norm + 1e-8), float32."""
    norms = np.sqrt(np.einsum("ns,ns->n", vectors, vectors, dtype=np.float64))
    return np.ascontiguousarray(vectors / (norms + _EPSILON)[:, None], dtype=np.float32)
