"""New embeddings as softmax-weighted means of the nearest old tokens, shared by WECHSEL and OFA."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.mixture.draws import Draws
from vocabx.mixture.mixture import Mixture, from_entries
from vocabx.vectors.neighbours import nearest


def blend_nearest(
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    neighbours: int,
    temperature: float,
    copies: Mapping[int, int],
    seed: int,
) -> Mixture:
    """Weight exp(cos/τ), normalized, on each of the k old tokens nearest to a new one.

    A token with a zero vector is sampled from N(mean(E), std(E)) per dimension: new row i is row i of the
    stream of numpy's RandomState(seed).

    Args:
        source: (V, S) vectors of the old tokens.
        target: (N, S) vectors of the new tokens, in the same space.
        neighbours: k, from 1 to V.
        temperature: τ, above 0.
        copies: new row to old row, for rows that are copied instead.
        seed: of the sampling.

    Raises:
        InitializerError: the widths differ, k or τ is out of range, or a vector contains NaN.
    """
    if not temperature > 0:
        raise InitializerError(f"--temperature is {temperature}: pass a number above 0")
    known: NDArray[np.bool_] = np.any(target, axis=1)
    copied = np.fromiter(copies, np.int64, len(copies))
    known[copied] = False
    rows = np.flatnonzero(known)
    ids, cosines = nearest(source, target[rows], neighbours)
    weights = np.exp((cosines - cosines.max(axis=1, keepdims=True, initial=-1.0)) / temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    old = np.concatenate([ids.ravel(), np.fromiter(copies.values(), np.int64, len(copies))])
    new = np.concatenate([np.repeat(rows, neighbours), copied])
    mixture = from_entries(
        new, old, np.append(weights.ravel(), np.ones(len(copies))), len(target), len(source)
    )
    known[copied] = True
    return mixture.drawing(Draws(np.flatnonzero(~known), "diagonal", 1.0, seed))
