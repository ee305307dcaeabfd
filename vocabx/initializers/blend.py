"""New rows as a softmax over the nearest old tokens: the step that WECHSEL and OFA share."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.mixture.mixture import Draws, Mixture, from_entries
from vocabx.vectors.neighbours import nearest


def blend_nearest(
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    neighbours: int,
    temperature: float,
    copies: Mapping[int, int],
    seed: int,
) -> Mixture:
    """Weight exp(cos/τ), normalised, on each of the k old tokens nearest to a new one.

    A token with a vector of zeros is a draw from N(mean(E), std(E)) per dimension: row i of the stream of
    numpy's RandomState(seed) for the new row i.

    Args:
        source: (V, S) vectors of the old tokens.
        target: (N, S) vectors of the new tokens, in the same space.
        neighbours: k, from 1 to V.
        temperature: τ, above 0.
        copies: new row to the old row that it copies instead.
        seed: of the draws.

    Raises:
        InitializerError: widths, k or τ do not fit, or a vector holds NaN.
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
