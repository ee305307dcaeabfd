"""Mean: every new row is the mean of the old rows. A baseline: all new tokens are the same to the model."""

from vocabx.initializers.mixture import Mixture, without_rows
from vocabx.initializers.problem import Problem


def mean(problem: Problem) -> Mixture:
    """Weight 1/V on each of the V old rows, kept as a rank-one term."""
    return without_rows(len(problem.tokens), problem.old_rows, uniform=1.0, draws=None)
