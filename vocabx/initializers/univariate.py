"""Univariate: every new row is drawn, each dimension from the normal distribution of that dimension.

A baseline. The rows have the spread of old rows, but no meaning.
"""

import numpy as np

from vocabx.initializers.mixture import Draws, Mixture, without_rows
from vocabx.initializers.problem import Problem


def univariate(problem: Problem) -> Mixture:
    """Draw each row from N(mean(E), std(E)) per dimension, population statistics."""
    count = len(problem.tokens)
    draws = Draws(np.arange(count), "diagonal", 1.0, problem.seed)
    return without_rows(count, problem.old_rows, uniform=0.0, draws=draws)
