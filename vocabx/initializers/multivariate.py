"""Multivariate: every new row is drawn close to the mean of the old rows, along their covariance.

A baseline. Source: Hewitt, "Initializing New Word Embeddings for Pretrained Language Models" (2021), with
the scale 1e-5 that keeps rows near the mean; the population covariance is inferred.
"""

import numpy as np

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.mixture import Draws, Mixture, without_rows

SCALE = 1e-5


def multivariate(inputs: InitializerInputs) -> Mixture:
    """Draw each row from N(mean(E), 1e-5 * Σ), Σ the population covariance of the old rows."""
    count = len(inputs.tokens)
    draws = Draws(np.arange(count), "full", SCALE, inputs.seed)
    return without_rows(count, inputs.old_rows, uniform=0.0, draws=draws)
