"""Sparse co-occurrence counts of tokens, from which skip-gram learns.

Only pairs with a new token are kept, because old rows are not trained.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vocabx.errors import InitializerError
from vocabx.initializers.inputs import LINE_END

# Only this many of the most frequent contexts are kept: memory is this many rows of both embedding matrices.
MAX_CONTEXTS = 16_384


@dataclass(frozen=True)
class Cooccurrence:
    """Counts of pairs of a new token and a token near it.

    Attributes:
        contexts: (A,) int64, the context tokens, ascending: old ids, and V + i for the new row i.
        counts: (A,) int64, how often each occurs in the text.
        pairs: (N, A) CSR float64, how often new token i occurs within the window of each context; a pair of
            two new tokens counts for both.
        neighbours: (A,) int64, the total number of tokens within the windows of each context.
        seen: number of tokens in the text.
    """

    contexts: NDArray[np.int64]
    counts: NDArray[np.int64]
    pairs: "sparse.csr_array[np.float64]"
    neighbours: NDArray[np.int64]
    seen: int


def count_pairs(text: NDArray[np.int64], old_rows: int, rows: int, window: int) -> Cooccurrence:
    """Count pairs of tokens that are at most `window` apart in a line.

    Args:
        text: ids with `LINE_END` between lines, see `InitializerInputs.text`.
        old_rows: V.
        rows: N.
        window: tokens to either side, all with equal weight (inferred: the window is not shrunk randomly).

    Raises:
        InitializerError: the text contains no new token.
    """
    within = text[text != LINE_END]
    counts = np.bincount(within, minlength=old_rows + rows)
    if not counts[old_rows:].any():
        raise InitializerError(
            "the text holds none of the new tokens, so nothing can be learned about them: pass text in the "
            "language with --corpus"
        )
    contexts = _most_frequent(counts)
    number = np.full(len(counts), -1, np.int64)
    number[contexts] = np.arange(len(contexts))
    pairs = sparse.csr_array((rows, len(contexts)), dtype=np.float64)
    neighbours = np.zeros(len(counts), np.int64)
    lines = np.cumsum(text == LINE_END)
    for distance in range(1, window + 1):
        left, right = text[:-distance], text[distance:]
        together = (lines[:-distance] == lines[distance:]) & (left != LINE_END) & (right != LINE_END)
        for new, other in ((left, right), (right, left)):
            neighbours += np.bincount(new[together], minlength=len(counts))
            here = together & (new >= old_rows)
            column = number[other[here]]
            kept = column >= 0
            row = (new[here] - old_rows)[kept]
            ones = np.ones(len(row))
            pairs = pairs + sparse.coo_array((ones, (row, column[kept])), shape=pairs.shape).tocsr()
    return Cooccurrence(
        contexts, counts[contexts], sparse.csr_array(pairs), neighbours[contexts], len(within)
    )


def _most_frequent(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    occurring = np.flatnonzero(counts)
    order = np.argsort(-counts[occurring], kind="stable")[:MAX_CONTEXTS]
    return np.sort(occurring[order])
