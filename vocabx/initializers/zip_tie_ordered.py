"""Zip-tie with position weights: tokens with the same pieces in different orders get different rows.

Source: derived here. In UTF-8 the last byte is the most specific, so weights increase with the position.
"""

import numpy as np

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.mixture import Mixture, from_rows


def zip_tie_ordered(inputs: InitializerInputs) -> Mixture:
    """Weight i/(1 + … + n) on the i-th of the n pieces of a token."""
    rows = []
    for pieces in inputs.pieces:
        position = np.arange(1, len(pieces) + 1, dtype=np.float64)
        rows.append((np.array(pieces, dtype=np.int64), position / position.sum()))
    return from_rows(rows, inputs.old_rows)
