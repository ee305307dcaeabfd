"""How well new tokens are predicted, by how often each occurred in the training text."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.json_file import Count, Written
from vocabx.evaluation.bits_per_byte import CausalScorer, Scorer
from vocabx.tokenizer.fast import FastTokenizer

# The fewest occurrences of each group.
LEAST = (0, 1, 4, 16, 64)

Ints = NDArray[np.int64]


class OccurrenceGroup(Written, frozen=True):
    """New tokens that occurred about as often in the training text.

    Attributes:
        least: fewest occurrences; the next group's, less one, are the most.
        tokens: how many new tokens there are.
        heldout: how often they occur in the held-out text.
        bits_per_byte: -log2 p over the bytes of those occurrences; None if there are none.
    """

    least: Count
    tokens: Count
    heldout: Count
    bits_per_byte: float | None


@dataclass(frozen=True)
class Trained:
    """How often tokens occurred in what a model was trained on.

    Attributes:
        counts: occurrences by id, (rows,).
        first: the id of the first new token.
    """

    counts: Ints
    first: int


def count_labels(labels: Iterable[Ints], rows: int) -> Ints:
    """How often each id is among the labels of some sequences, (rows,)."""
    counts = np.zeros(rows, dtype=np.int64)
    for block in labels:
        counts += np.bincount(block, minlength=rows)[:rows]
    return counts


def by_occurrence(
    model: Any,
    tokenizer: FastTokenizer,
    passages: Sequence[str],
    trained: Trained,
    scorer: Scorer | None = None,
) -> tuple[OccurrenceGroup, ...]:
    """Score the new tokens of held-out passages by how often each occurred in training.

    Args:
        model: a transformers model.
        tokenizer: its tokenizer.
        passages: held-out text.
        trained: how often each token occurred.
        scorer: gives the losses; by default those of the next token.

    Returns:
        One group for each of `LEAST`; none if there are no new tokens.
    """
    lengths = tokenizer.byte_lengths(len(trained.counts))
    new = np.flatnonzero(lengths > 0)
    new = new[new >= trained.first]
    if not len(new):
        return ()
    # The group of each id.
    group = np.searchsorted(LEAST, trained.counts, side="right") - 1
    bits, size, seen = (np.zeros(len(LEAST)) for _ in range(3))
    for ids, losses in (scorer or CausalScorer(tokenizer)).losses(model, passages):
        row = np.asarray(ids, dtype=np.int64)
        chosen = (row >= trained.first) & (lengths[row] > 0)
        for total, values in ((bits, losses / math.log(2)), (size, lengths[row]), (seen, np.ones(len(row)))):
            total += np.bincount(group[row[chosen]], values[chosen], minlength=len(LEAST))
    tokens = np.bincount(group[new], minlength=len(LEAST))
    return tuple(
        OccurrenceGroup(
            least, int(tokens[n]), int(seen[n]), round(float(bits[n] / size[n]), 4) if size[n] else None
        )
        for n, least in enumerate(LEAST)
    )
