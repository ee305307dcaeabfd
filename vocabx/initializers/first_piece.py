"""First piece: the model expects a new token where it expected its first piece, as often as the text has it.

Source: derived here. The base predicts the first piece p of a token t well, having read text in such pieces.
What is left is to divide that piece's probability among the tokens that begin with it. Their shares are
counted in a text and added to their logits, as a bias would be: log share + k. No bias is needed for that:
the last hidden states of a model have a common direction, their mean ĥ, and (log share + k) ĥ/|ĥ|² is
log share + k at the mean. Inferred: k = 2, from measurements on SmolLM2 with Traditional Chinese; see
docs/methods.md.

The input row is that of the last piece: of all pieces it is the one after which the base would go on.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.initializers.base_tokenization import in_pieces, lines_of
from vocabx.initializers.inputs import LINE_END, InitializerInputs, base_model, learning_text, old_tables
from vocabx.initializers.mean_state import mean_state
from vocabx.initializers.one_piece import one_piece
from vocabx.mixture.initialization import Initialization, everywhere
from vocabx.mixture.mixture import Mixture

# Added to the count of each new token, so that one that the text lacks has a share.
UNSEEN = 0.5


def first_piece(inputs: InitializerInputs) -> Initialization:
    """Input: the row of the last piece. Output: the row of the first, and a share of its probability.

    With p the first piece of t and c its count in `inputs.text`, the output row is
    e_p + (log c(t) − log Σ c(u) + k) ĥ/|ĥ|², the sum over p itself and all new tokens u that begin with p.
    Matrices that are tied get the input's rows, and the model is not loaded.

    Raises:
        InitializerError: there is no text or no model, or its states are not finite.
        MissingPackageError: torch is not installed.
    """
    last = one_piece(inputs, -1)
    if old_tables(inputs).output is None:
        return everywhere(last)
    learning_text(inputs)
    output, _ = first_piece_outputs(inputs, base_model(inputs))
    return Initialization(last, output)


def first_piece_outputs(inputs: InitializerInputs, model: Any) -> tuple[Mixture, float]:
    """The output rule of `first_piece`, and the factor of the model's logits.

    Raises:
        InitializerError: there is no text, or the states of `model` are not finite.
    """
    text = learning_text(inputs)
    ids, _ = in_pieces(text, inputs.pieces, inputs.old_rows)
    found = mean_state(model, lines_of(ids, LINE_END))
    bias = (log_shares(text, inputs) + inputs.settings.boost) / found.scale
    direction = found.state / (found.state @ found.state)
    shift = (bias[:, None] * direction).astype(np.float32)
    return one_piece(inputs, 0).shifting(shift), found.scale


def log_shares(text: NDArray[np.int64], inputs: InitializerInputs) -> NDArray[np.float64]:
    """(N,) the logarithm of each new token's share of the occurrences of its first piece.

    Args:
        text: see `InitializerInputs.text`.
        inputs: the tokens.
    """
    # V = 10, new tokens 10, 11, 12 with first pieces 3, 3, 4, the text [10, 10, 3, 12, 7]: the new tokens
    # count 2.5, 0.5, 1.5. All that begins with 3 counts 1 + 2.5 + 0.5 = 4, and with 4 only 1.5: the shares
    # are 2.5/4, 0.5/4 and 1.
    old, count = inputs.old_rows, len(inputs.tokens)
    occurring = np.bincount(text[text != LINE_END], minlength=old + count).astype(np.float64)
    new = occurring[old:] + UNSEEN
    first = np.array([pieces[0] for pieces in inputs.pieces], np.int64)
    total = occurring[:old] + np.bincount(first, new, minlength=old)
    return np.asarray(np.log(new) - np.log(total[first]))
