"""The candidate old tokens that a new embedding may mix, for methods that need a small number of them.

In order: the pieces of the token, its nearest neighbours by static vectors where these are known, the old
tokens that co-occur with it more often than by chance, and the most frequent old tokens.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.initializers.cooccurrence import Cooccurrence
from vocabx.initializers.inputs import TokenVectors
from vocabx.vectors.neighbours import nearest


def choose_candidates(
    pieces: Sequence[Sequence[int]],
    near: Cooccurrence,
    old_rows: int,
    count: int,
    vectors: TokenVectors | None = None,
) -> NDArray[np.int64]:
    """Select K distinct old ids for each new token.

    Args:
        pieces: the old ids of each new token.
        near: co-occurrence counts of the text.
        old_rows: V.
        count: K, at most V.
        vectors: static vectors of the tokens, if any; a token without one gets no nearest neighbours.

    Returns:
        (N, K) int64, in order of priority: the pieces first.

    Raises:
        InitializerError: K is out of range.
    """
    if not 1 <= count <= old_rows:
        raise InitializerError(f"--candidates is {count}: pass 1 to {old_rows:,}, the number of old tokens")
    old = near.contexts < old_rows
    usual = near.contexts[old][np.argsort(-near.counts[old], kind="stable")][:count]
    # If the text has fewer than K old tokens, fill up with the first ids.
    usual = np.concatenate([usual, np.arange(min(old_rows, 2 * count))])
    similar = _similar(vectors, count // 2) if vectors is not None else {}
    associated = _associated(near, old, count)
    chosen = np.empty((len(pieces), count), np.int64)
    for row, own in enumerate(pieces):
        order = dict.fromkeys([*own, *similar.get(row, ()), *associated[row], *usual])
        chosen[row] = list(order)[:count]
    return chosen


def _similar(vectors: TokenVectors, count: int) -> dict[int, list[int]]:
    known = np.flatnonzero(vectors.target.any(axis=1))
    has_vector = np.flatnonzero(vectors.source.any(axis=1))
    count = min(count, len(has_vector))
    if not len(known) or not count:
        return {}
    ids, _ = nearest(vectors.source[has_vector], vectors.target[known], count)
    return dict(zip(known.tolist(), has_vector[ids].tolist(), strict=True))


def _associated(near: Cooccurrence, old: NDArray[np.bool_], count: int) -> list[list[int]]:
    """For each new token, the old tokens that co-occur at least twice, by pointwise mutual information."""
    pairs, share = near.pairs, near.counts / near.seen
    result = []
    for row in range(pairs.shape[0]):
        part = slice(pairs.indptr[row], pairs.indptr[row + 1])
        columns, met = pairs.indices[part], pairs.data[part]
        kept = old[columns] & (met >= 2)
        columns, met = columns[kept], met[kept]
        order = np.argsort(-met / share[columns], kind="stable")[:count]
        result.append(near.contexts[columns[order]].tolist())
    return result
