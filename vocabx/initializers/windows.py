"""The text that distill learns from: sequences of new and old ids, and the same in the base's tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx.initializers.base_tokenization import in_pieces
from vocabx.initializers.inputs import LINE_END

# Ids of a sequence in the new tokens; lines are joined up to it.
LONGEST = 384

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """One sequence in both tokenizations, each after the id that begins a text.

    Attributes:
        ids: int64, ids of the new tokenization; V + i is the new token i.
        old: int64, the same text in the base's tokens.
        last: int64, for each of `ids` the position in `old` of its last piece.
    """

    ids: Ids
    old: Ids
    last: Ids


def windows_of(
    text: Ids, pieces: Sequence[Sequence[int]], old_rows: int, begin: int, line_end: int | None, limit: int
) -> list[Window]:
    """Sequences from the beginning of a text, until they hold `limit` ids; only those with new tokens.

    Args:
        text: see `InitializerInputs.text`.
        pieces: for each new token its old ids.
        old_rows: V.
        begin: the id that begins a text.
        line_end: the old id of a line feed, put between lines; None to leave it out.
        limit: number of ids in all, at least.
    """
    found: list[Window] = []
    size = 0
    for ids in _joined(text, line_end):
        if size >= limit:
            break
        if not (ids >= old_rows).any():
            continue
        ids = np.concatenate([[begin], ids])
        old, last = in_pieces(ids, pieces, old_rows)
        found.append(Window(ids, old, last))
        size += len(ids)
    return found


def _joined(text: Ids, line_end: int | None) -> list[Ids]:
    """Whole lines joined to sequences of about `LONGEST` ids; a longer line is split."""
    ends = np.flatnonzero(text == LINE_END)
    between = np.zeros(0, np.int64) if line_end is None else np.array([line_end], np.int64)
    sequences: list[Ids] = []
    parts: list[Ids] = []
    size = 0
    for line in np.split(text, ends):
        line = line[line != LINE_END]
        if not len(line):
            continue
        if size and size + len(line) > LONGEST:
            sequences.append(np.concatenate(parts))
            parts, size = [], 0
        parts += [line, between]
        size += len(line) + len(between)
    if parts:
        sequences.append(np.concatenate(parts))
    return [one[start : start + LONGEST] for one in sequences for start in range(0, len(one), LONGEST)]
