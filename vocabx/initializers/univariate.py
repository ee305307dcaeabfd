"""Univariate: every new row is sampled, each dimension from its own normal distribution.

A baseline. The rows have the spread of old rows, but no meaning.
"""

import numpy as np

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.draws import Draws
from vocabx.mixture.mixture import Mixture, without_rows


def univariate(inputs: InitializerInputs) -> Mixture:
    """Sample each row from N(mean(E), std(E)) per dimension, with population statistics."""
    count = len(inputs.tokens)
    draws = Draws(np.arange(count), "diagonal", 1.0, inputs.seed)
    return without_rows(count, inputs.old_rows, uniform=0.0, draws=draws)
