"""The learning text as the base tokenizes it: every new token replaced by its pieces."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def in_pieces(
    text: NDArray[np.int64], pieces: Sequence[Sequence[int]], old_rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Replace each new token of `text` by its pieces.

    For merges that follow the base's own, as in BPE, this is the base's own tokenization of the text. Where
    the base scores whole segmentations (Unigram), it may differ from it now and then.

    Args:
        text: see `InitializerInputs.text`; old ids and `LINE_END` stay as they are.
        pieces: for each new token its old ids, see `InitializerInputs.pieces`.
        old_rows: V.

    Returns:
        The ids, and for each id of `text` where the last of its own is in them; both int64.
    """
    # With V = 10, pieces [[3, 4], [5]] and the text [10, 7, 11, -1]: `known` is [3, 4, 5], and `first`, where
    # the pieces of each token begin in it, [0, 2]. Lengths are [2, 1, 1, 1] and ends [1, 2, 3, 4]. `place`
    # counts within an id, [0, 1, 0, 0, 0], so the result is known[0 + 0], known[0 + 1], 7, known[2 + 0], -1.
    sizes = np.array([len(one) for one in pieces], np.int64)
    known = np.array([piece for one in pieces for piece in one], np.int64)
    first = np.cumsum(sizes) - sizes
    new = text >= old_rows
    lengths = np.ones(len(text), np.int64)
    lengths[new] = sizes[text[new] - old_rows]
    ends = np.cumsum(lengths) - 1
    ids, inside = np.repeat(text, lengths), np.repeat(new, lengths)
    place = np.arange(len(ids)) - np.repeat(ends - lengths + 1, lengths)
    ids[inside] = known[first[ids[inside] - old_rows] + place[inside]]
    return ids, ends


def lines_of(ids: NDArray[np.int64], line_end: int) -> list[NDArray[np.int64]]:
    """The lines of a text of ids, without the ends and without empty ones."""
    ends = np.flatnonzero(ids == line_end)
    return [line[line != line_end] for line in np.split(ids, ends) if (line != line_end).any()]
