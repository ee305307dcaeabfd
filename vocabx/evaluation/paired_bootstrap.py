"""How sure the difference of two models is: a paired bootstrap over the passages that both were scored on."""

from collections.abc import Sequence

import numpy as np

_SAMPLES = 10_000


def difference_interval(
    fewer: Sequence[float], more: Sequence[float], sizes: Sequence[int], seed: int
) -> tuple[float, float] | None:
    """The 95 % interval of how many fewer bits per byte one model needs than another.

    Passages are drawn with replacement, the same for both models, and the percentiles of the difference over
    10,000 draws taken (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13).

    Args:
        fewer, more: bits per byte of each passage under both models; the result is positive where `fewer` is
            lower.
        sizes: bytes of each passage.
        seed: seed of the draws.

    Returns:
        Both ends, or None for fewer than two passages, which say nothing about others.
    """
    if len(sizes) < 2:
        return None
    weights = np.asarray(sizes, dtype=np.float64)
    saved = (np.asarray(more) - np.asarray(fewer)) * weights
    drawn = np.random.default_rng(seed).integers(len(weights), size=(_SAMPLES, len(weights)))
    differences = saved[drawn].sum(axis=1) / weights[drawn].sum(axis=1)
    low, high = np.percentile(differences, [2.5, 97.5])
    return float(low), float(high)
