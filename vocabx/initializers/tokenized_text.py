"""Text as initializers learn from it: ids of the new tokenizer, numbered as `InitializerInputs.text` is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vocabx.initializers.inputs import LINE_END
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer

_BATCH = 1024


def tokenize_lines(
    tokenizer: FastTokenizer,
    new_ids: Sequence[int],
    old_rows: int,
    lines: Sequence[str],
    advance: Advance = lambda done: None,
) -> NDArray[np.int64]:
    """Tokenize `lines`: old ids as they are, V + i for the new row i, `LINE_END` after each line.

    Args:
        tokenizer: the new tokenizer.
        new_ids: the id in it of each new row.
        old_rows: V.
        lines: the text.
        advance: called with lines done.
    """
    row = np.arange(tokenizer.size)
    # Added tokens of the base for which it has no row: what stands beside them is not their context.
    row[old_rows:] = LINE_END
    row[list(new_ids)] = old_rows + np.arange(len(new_ids))
    parts: list[NDArray[np.int64]] = []
    for start in range(0, len(lines), _BATCH):
        encoded = tokenizer.encode(lines[start : start + _BATCH])
        parts += [np.append(row[np.array(ids, np.int64)], LINE_END) for ids in encoded]
        advance(len(encoded))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
