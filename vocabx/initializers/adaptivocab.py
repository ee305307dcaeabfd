"""AdaptiVocab: exponential weights, most for the last piece in the input and for the first in the output.

Source: AdaptiVocab (arXiv 2503.19693). What comes after a token is decided most by its last piece, what comes
before it by its first. Inferred: that the pieces are those of the base's tokenization inside running text,
and that a tied matrix gets the input's rows.
"""

import numpy as np

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.initialization import Initialization
from vocabx.mixture.mixture import Mixture, from_rows

RATE = 2.0


def adaptivocab(inputs: InitializerInputs) -> Initialization:
    """Weight ∝ exp(2i) on the i-th of the n pieces in the input, ∝ exp(−2i) in the output."""
    return Initialization(_exponential(inputs, RATE), _exponential(inputs, -RATE))


def _exponential(inputs: InitializerInputs, rate: float) -> Mixture:
    rows = []
    for pieces in inputs.pieces:
        power = rate * np.arange(len(pieces))
        # The largest is exp(0): a long token would overflow otherwise.
        weights = np.exp(power - power.max())
        rows.append((np.array(pieces, dtype=np.int64), weights / weights.sum()))
    return from_rows(rows, inputs.old_rows)
