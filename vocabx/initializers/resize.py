"""Resize: the same as transformers' `resize_token_embeddings`. A baseline.

Source: transformers 5, `mean_resizing=True`: samples from N(mean(E), 1e-9 Σ), so every new row equals the
mean to four decimals. The distribution is the same here, but the random stream is numpy's.
"""

import numpy as np

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.draws import Draws
from vocabx.mixture.mixture import Mixture, without_rows

SCALE = 1e-9


def resize(inputs: InitializerInputs) -> Mixture:
    """Sample each row from N(mean(E), 1e-9 Σ), Σ the population covariance of the old rows."""
    count = len(inputs.tokens)
    draws = Draws(np.arange(count), "full", SCALE, inputs.seed)
    return without_rows(count, inputs.old_rows, uniform=0.0, draws=draws)
