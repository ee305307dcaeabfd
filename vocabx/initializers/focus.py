"""FOCUS: overlapping tokens are copied, all others are sparse mixtures of them, by token vectors.

Source: arXiv 2305.14481. The vectors are trained on text tokenized by the new tokenizer, so they are vectors
of tokens, not words: no dictionary is needed, and only old tokens that occur in that text can be mixed.
Inferred: when a vocabulary is extended, all old tokens overlap.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.initializers.inputs import InitializerInputs, token_vectors
from vocabx.initializers.overlap import overlapping
from vocabx.mixture.draws import Draws
from vocabx.mixture.mixture import Mixture, from_entries
from vocabx.vectors.neighbours import check_vectors, unit_rows

_ROWS = 256
_LIKELY_SUPPORT = 256


def focus(
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    *,
    copies: Mapping[int, int] | None = None,
    seed: int = 42,
) -> Mixture:
    """Weight sparsemax(cos) on the old tokens that have a vector.

    Args:
        source: (V, S) float32, vectors of the old tokens that overlap; rows of zeros for all others.
        target: (N, S) float32, vectors of the new tokens. A token with a row of zeros is sampled from
            N(mean(E), std(E)) per dimension.
        copies: new row to old row, for the tokens that overlap.
        seed: of the sampling.

    Raises:
        InitializerError: no old token has a vector, the widths differ, or a vector contains NaN.
    """
    check_vectors(source, target)
    copies = copies or {}
    overlap = np.flatnonzero(source.any(axis=1))
    copied = np.fromiter(copies, np.int64, len(copies))
    known: NDArray[np.bool_] = np.any(target, axis=1)
    known[copied] = False
    rows = np.flatnonzero(known)
    if not len(overlap) and len(rows):
        raise InitializerError(
            "no old token occurs in the text often enough to have a vector, so nothing can be mixed: pass "
            "more text with --corpus, or choose another initializer"
        )
    units, wanted = unit_rows(source[overlap]), unit_rows(target[rows])
    new, old, weights = (
        [copied],
        [np.fromiter(copies.values(), np.int64, len(copies))],
        [np.ones(len(copies))],
    )
    for start in range(0, len(rows), _ROWS):
        cosines = (wanted[start : start + _ROWS] @ units.T).astype(np.float64)
        sparse_weights = sparsemax(cosines)
        row, column = np.nonzero(sparse_weights)
        new.append(rows[start + row])
        old.append(overlap[column])
        weights.append(sparse_weights[row, column])
    known[copied] = True
    mixture = from_entries(
        np.concatenate(new), np.concatenate(old), np.concatenate(weights), len(target), len(source)
    )
    return mixture.drawing(Draws(np.flatnonzero(~known), "diagonal", 1.0, seed))


def sparsemax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Euclidean projection of each row of `scores` (N, V) onto the simplex.

    Source: Martins and Astudillo, arXiv 1602.02068. Sorts only as many of the largest scores as the support
    needs.
    """
    size = scores.shape[1]
    count = min(_LIKELY_SUPPORT, size)
    while True:
        largest = -np.sort(-np.partition(scores, size - count, axis=1)[:, size - count :], axis=1)
        sums = np.cumsum(largest, axis=1)
        ranks = np.arange(1, count + 1)
        support = (1 + ranks * largest > sums).sum(axis=1)
        if count == size or (support < count).all():
            break
        count = min(4 * count, size)
    threshold = (np.take_along_axis(sums, support[:, None] - 1, axis=1)[:, 0] - 1) / support
    projected: NDArray[np.float64] = np.maximum(scores - threshold[:, None], 0.0)
    return projected


def initialize(inputs: InitializerInputs) -> Mixture:
    """FOCUS on the token vectors of `inputs`."""
    vectors = token_vectors(inputs)
    copies = overlapping(inputs.tokens, inputs.old_tokens, fold_case=False)
    return focus(vectors.source, vectors.target, copies=copies, seed=inputs.seed)
