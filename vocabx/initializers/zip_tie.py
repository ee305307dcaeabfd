"""Zip-tie: a new row is the mean of the rows of the token's pieces, its tokenization by the base.

Source: Bailong (arXiv 2404.00862). That the pieces are those of the base tokenizer, and that output rows
follow the same rule as input rows, is inferred.
The mean ignores the order of the pieces; see `zip_tie_ordered`.
"""

import numpy as np

from vocabx.initializers.inputs import InitializerInputs
from vocabx.mixture.mixture import Mixture, from_rows


def zip_tie(inputs: InitializerInputs) -> Mixture:
    """Weight 1/n on each of the n pieces of a token; a piece that occurs twice counts twice."""
    rows = [
        (np.array(pieces, dtype=np.int64), np.full(len(pieces), 1 / len(pieces))) for pieces in inputs.pieces
    ]
    return from_rows(rows, inputs.old_rows)
