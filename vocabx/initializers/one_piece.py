"""New rows that are copies of one old row each: that of the first or the last piece."""

import numpy as np

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.mixture import Mixture, from_entries


def one_piece(inputs: InitializerInputs, place: int) -> Mixture:
    """Weight 1 on one piece of each token: 0 is the first, -1 the last."""
    old = np.array([pieces[place] for pieces in inputs.pieces], np.int64)
    count = len(inputs.tokens)
    return from_entries(np.arange(count), old, np.ones(count), count, inputs.old_rows)
