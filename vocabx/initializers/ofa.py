"""OFA: overlapping tokens are copied, all others mixed, on factorized embedding matrices if a rank is given.

Source: arXiv 2311.08849 and its released code. Differences: the token with id 0 can match like any other, and
the output bias is mixed with the same weights.
Inferred: an untied lm_head is factorized on its own.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vocabx.initializers.blend import blend_nearest
from vocabx.initializers.inputs import InitializerInputs, token_vectors
from vocabx.initializers.overlap import overlapping
from vocabx.mixture.initialization import Initialization, everywhere


def ofa(
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    *,
    copies: Mapping[int, int] | None = None,
    rank: int | None = None,
    neighbours: int = 10,
    temperature: float = 0.1,
    seed: int = 114514,
) -> Initialization:
    """Copy overlapping tokens and mix the others as in WECHSEL, in the coordinates of a factorized matrix.

    Args:
        source: (V, S) float32, vectors of the old tokens.
        target: (N, S) float32, vectors of the new tokens in the same space. A token with a row of zeros gets
            coordinates sampled from N(mean(F), std(F)) per dimension.
        copies: new row to old row, from `overlapping`.
        rank: K of E ≈ F P, see `factorise`; with None the matrices are not factorized.
        neighbours: k.
        temperature: τ.
        seed: of the sampling; the released code's 114514.

    Returns:
        The initialization of the N new rows. With a rank, a checkpoint that is not factorized itself keeps
        its old rows unchanged, and only new rows have that rank.

    Raises:
        InitializerError: the widths differ, k or τ is out of range, or a vector contains NaN.
        MissingPackageError: faiss is not installed.
    """
    return everywhere(blend_nearest(source, target, neighbours, temperature, copies or {}, seed), rank)


def initialize(inputs: InitializerInputs) -> Initialization:
    """OFA on the vectors, old tokens and settings of `inputs`."""
    vectors, settings = token_vectors(inputs), inputs.settings
    return ofa(
        vectors.source,
        vectors.target,
        copies=overlapping(inputs.tokens, inputs.old_tokens),
        rank=settings.rank,
        neighbours=settings.neighbours,
        temperature=settings.temperature,
        seed=inputs.seed,
    )
