"""EEVE: an input row is the mean of the token's pieces, an output row that of its first piece.

Source: EEVE (arXiv 2402.14714). After the same context the base would have written the first piece, so that
is where the lm_head expects the new token; as an input the token stands for all of its pieces. Inferred: that
the pieces are those of the base's tokenization inside running text, and that a tied matrix gets the input's
rows.
"""

from vocabx.initializers.inputs import InitializerInputs
from vocabx.initializers.one_piece import one_piece
from vocabx.initializers.zip_tie import zip_tie
from vocabx.mixture.initialization import Initialization


def eeve(inputs: InitializerInputs) -> Initialization:
    """Input: weight 1/n on each of the n pieces of a token. Output: weight 1 on the first."""
    return Initialization(zip_tie(inputs), one_piece(inputs, 0))
