"""Multivariate: every new row is sampled close to the mean of the old rows, with their covariance.

A baseline. Source: Hewitt, "Initializing New Word Embeddings for Pretrained Language Models" (2021), with its
scale 1e-5, which keeps rows near the mean; the population covariance is inferred.
"""

import numpy as np

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.draws import Draws
from vocabx.mixture.mixture import Mixture, without_rows

SCALE = 1e-5


def multivariate(inputs: InitializerInputs) -> Mixture:
    """Sample each row from N(mean(E), 1e-5 Σ), Σ the population covariance of the old rows."""
    count = len(inputs.tokens)
    draws = Draws(np.arange(count), "full", SCALE, inputs.seed)
    return without_rows(count, inputs.old_rows, uniform=0.0, draws=draws)
