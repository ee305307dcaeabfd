"""OFA: overlapping tokens are copied, all others blended, on factorised tables where a rank is given.

Source: arXiv 2311.08849 and its released code. Not as there: the token with id 0 is a match like any other,
and the bias of the output moves by the same weights.
Inferred: an output table that is not tied is factorised on its own.
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
    """Copy what overlaps; blend the rest as WECHSEL does, with the coordinates of a factorised table.

    Args:
        source: (V, S) float32, vectors of the old tokens.
        target: (N, S) float32, vectors of the new tokens in the same space; a row of zeros where nothing is
            known, which draws the token's coordinates from N(mean(F), std(F)) per dimension.
        copies: new row to old row, as `overlapping` finds them.
        rank: K of E ≈ F P, see `factorise`; None leaves the tables whole.
        neighbours: k.
        temperature: τ.
        seed: of the draws; the released code's 114514.

    Returns:
        The placement of the N new rows. With a rank, old rows are copied as they are in a checkpoint of whole
        tables, and only new rows are of that rank.

    Raises:
        InitializerError: widths, k or τ do not fit, or a vector holds NaN.
        MissingPackageError: faiss is not installed.
    """
    return everywhere(blend_nearest(source, target, neighbours, temperature, copies or {}, seed), rank)


def initialize(inputs: InitializerInputs) -> Initialization:
    """OFA on the vectors, old tokens and settings of `problem`."""
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
