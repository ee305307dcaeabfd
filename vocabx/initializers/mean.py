"""Mean: every new row is the mean of the old rows. A baseline: the model cannot distinguish new tokens."""

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.mixture import Mixture, without_rows


def mean(inputs: InitializerInputs) -> Mixture:
    """Weight 1/V on each of the V old rows, represented as a rank-one term."""
    return without_rows(len(inputs.tokens), inputs.old_rows, uniform=1.0, draws=None)
