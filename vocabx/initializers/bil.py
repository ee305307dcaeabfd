"""Bil: the mean of the pieces brought to the length of rows of the language; outputs weighted by characters.

Source: the initializer of that name in arXiv 2608.03494, from a description of it. A mean of rows that point
in different directions is shorter than they are, so an input row is rescaled to the median norm of the old
tokens that hold a character of the language's scripts. An output row is the mean of the pieces weighted by
their characters. Inferred: that only letters and marks of the scripts count as their characters; that a
token's characters are those of its bytes, each incomplete character one, and a token without text one; that
where no old token holds a character of the scripts, the norm is the median of all pieces of the new tokens;
and that a tied matrix gets the input's rows.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vocabx.corpus.scripts import letter_pattern
from vocabx.initializers.inputs import InitializerInputs, old_tables
from vocabx.initializers.zip_tie import zip_tie
from vocabx.mixture.check_arrays import check_finite
from vocabx.mixture.initialization import Initialization
from vocabx.mixture.mixture import Mixture, from_rows

_ROWS = 4096


def bil(inputs: InitializerInputs) -> Initialization:
    """Input: the mean of the pieces, with the norm of the language's rows. Output: Σ len_i e_i / Σ len_i.

    A rescaled row is no convex combination: there is no hull bound for a tied matrix.

    Raises:
        InitializerError: the old matrix is not given, or holds NaN or infinity.
    """
    return Initialization(_rescaled(inputs), _by_characters(inputs))


def rows_of_scripts(inputs: InitializerInputs) -> NDArray[np.int64]:
    """The old tokens that hold a letter or mark of the language's scripts, ascending.

    Where there are none, all pieces of new tokens.
    """
    found: list[int] = []
    if inputs.scripts:
        letter = letter_pattern(inputs.scripts)
        found = [
            index
            for index, token in enumerate(inputs.old_tokens)
            if token is not None and letter.search(token.decode(errors="ignore"))
        ]
    return np.array(found or sorted({one for pieces in inputs.pieces for one in pieces}), np.int64)


def _rescaled(inputs: InitializerInputs) -> Mixture:
    # With rows e₁ = (3, 0), e₂ = (0, 3) and pieces (1, 2) the mean is (1.5, 1.5), of norm 2.12. If the median
    # norm of the language is 4, both weights of 0.5 become 0.5 · 4 / 2.12 = 0.94 and the row (2.83, 2.83).
    table, mean = old_tables(inputs).input, zip_tie(inputs)
    chosen = rows_of_scripts(inputs)
    parts = (chosen[start : start + _ROWS] for start in range(0, len(chosen), _ROWS))
    wanted = float(np.median(_norms(table[part] for part in parts))) if len(chosen) else 1.0
    norms = _norms(mean.blocks(table, _ROWS))
    factors = np.divide(wanted, norms, out=np.ones(len(norms)), where=norms > 0)
    weights = mean.weights
    data = weights.data * np.repeat(factors, np.diff(weights.indptr))
    return replace(mean, weights=sparse.csr_array((data, weights.indices, weights.indptr), weights.shape))


def _norms(blocks: Iterable[Any]) -> NDArray[np.float64]:
    """The Euclidean norms of rows, block by block."""
    found = [np.linalg.norm(np.asarray(block, dtype=np.float64), axis=1) for block in blocks]
    norms = np.concatenate([np.zeros(0), *found])
    check_finite(norms, "the rows of the embedding matrix")
    return norms


def _by_characters(inputs: InitializerInputs) -> Mixture:
    rows = []
    for pieces in inputs.pieces:
        lengths = np.array([_characters(inputs, piece) for piece in pieces], dtype=np.float64)
        rows.append((np.array(pieces, dtype=np.int64), lengths / lengths.sum()))
    return from_rows(rows, inputs.old_rows)


def _characters(inputs: InitializerInputs, piece: int) -> int:
    token = inputs.old_tokens[piece] if inputs.old_tokens else None
    return max(1, len((token or b"").decode(errors="replace")))
