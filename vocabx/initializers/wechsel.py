"""WECHSEL: a new row is a mixture of the old tokens closest in meaning, by aligned static vectors.

Source: arXiv 2112.06598 and its released code. The vectors come from `vocabx.vectors`: old tokens' in the
base's language, new tokens' in the new language, aligned in one space by a dictionary.
Differences from the released code: equal cosines go to the lower id, and rows are sampled only if needed.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vocabx.initializers.blend import blend_nearest
from vocabx.initializers.inputs import InitializerInputs, token_vectors
from vocabx.mixture.mixture import Mixture


def wechsel(
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    *,
    neighbours: int = 10,
    temperature: float = 0.1,
    copies: Mapping[int, int] | None = None,
    seed: int = 1234,
) -> Mixture:
    """Weight exp(cos/τ), normalized, on each of the k old tokens nearest to a new one.

    Args:
        source: (V, S) float32, vectors of the old tokens.
        target: (N, S) float32, vectors of the new tokens in the same space. A token with a row of zeros is
            sampled from N(mean(E), std(E)) per dimension.
        neighbours: k; the paper's 10.
        temperature: τ; the paper's 0.1.
        copies: new row to old row, for special tokens that both vocabularies have.
        seed: of the sampling; the released code's 1234.

    Returns:
        The mixture of the N new rows, for all embedding matrices.

    Raises:
        InitializerError: the widths differ, k or τ is out of range, or a vector contains NaN.
        MissingPackageError: faiss is not installed.
    """
    return blend_nearest(source, target, neighbours, temperature, copies or {}, seed)


def initialize(inputs: InitializerInputs) -> Mixture:
    """WECHSEL on the vectors and settings of `inputs`."""
    vectors, settings = token_vectors(inputs), inputs.settings
    return wechsel(
        vectors.source,
        vectors.target,
        neighbours=settings.neighbours,
        temperature=settings.temperature,
        seed=inputs.seed,
    )
