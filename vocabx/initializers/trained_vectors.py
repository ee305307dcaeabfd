"""Vectors of tokens trained on the tokenized text, for the method that compares tokens by such: FOCUS."""

import numpy as np
from numpy.typing import NDArray

from vocabx.initializers.inputs import LINE_END, InitializerInputs, TokenVectors
from vocabx.initializers.overlap import overlapping
from vocabx.progress import Advance


def train_vectors(
    inputs: InitializerInputs,
    text: NDArray[np.int64],
    advance: Advance = lambda done: None,
) -> TokenVectors:
    """Train vectors of all tokens; an old token has that of the new token which is the same.

    Args:
        inputs: the tokens and the seed.
        text: see `InitializerInputs.text`.
        advance: called with tokens done.

    Raises:
        MissingPackageError: gensim is not installed.
    """
    from vocabx.vectors.of_tokens import train_token_vectors

    old_rows, count = inputs.old_rows, len(inputs.tokens)
    vectors = train_token_vectors(text, LINE_END, old_rows + count, seed=inputs.seed, advance=advance)
    source, target = vectors[:old_rows], vectors[old_rows:]
    for row, old in overlapping(inputs.tokens, inputs.old_tokens, fold_case=False).items():
        source[old] = target[row]
    return TokenVectors(source, target)
