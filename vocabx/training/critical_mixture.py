"""The critical mixture ratio: the largest share of new text that keeps the base language within a limit.

For each mixture, the change of the base language's score over training is a₂T^s₂ + a₃T^s₃ + b₂, which may
rise and fall (arXiv 2407.17467); between mixtures, the change at one T is interpolated (inferred: the paper
trains more mixtures). T is counted in tokens relative to the end of the run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
FEWEST_POINTS = 5
# s₂ below 0 and s₃ above: a fall that saturates, and a rise.
_FALLING, _RISING = (-2.0, -1.0, -0.5, -0.25, -0.1), (0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class ChangeCurve:
    """The change of a score over training: falling · T^s₂ + rising · T^s₃ + level, T in units of `unit`."""

    falling: float
    rising: float
    level: float
    exponents: tuple[float, float]
    unit: float

    def __call__(self, tokens: Reals | float) -> Reals:
        """The change after so many tokens, in bits per byte."""
        at = np.asarray(tokens, dtype=np.float64) / self.unit
        first, second = self.exponents
        return np.asarray(self.falling * at**first + self.rising * at**second + self.level)


def fit_change(tokens: Reals, change: Reals) -> ChangeCurve:
    """The curve of least squares, over a grid of exponents.

    Args:
        tokens: of training before each score, (n,), above 0.
        change: the score minus that of before training, (n,).

    Raises:
        ValueError: there are fewer than `FEWEST_POINTS`.
    """
    if len(change) < FEWEST_POINTS:
        raise ValueError(f"{len(change)} scores are too few for a curve of {FEWEST_POINTS} numbers")
    unit = float(tokens[-1])
    at = tokens / unit
    best: tuple[float, ChangeCurve] | None = None
    for exponents in product(_FALLING, _RISING):
        terms = np.stack([at ** exponents[0], at ** exponents[1], np.ones_like(at)], axis=1)
        sizes = np.linalg.lstsq(terms, change, rcond=None)[0]
        error = float(np.sum((terms @ sizes - change) ** 2))
        if best is None or error < best[0]:
            falling, rising, level = sizes.tolist()
            best = error, ChangeCurve(falling, rising, level, exponents, unit)
    assert best is not None
    return best[1]


def critical_share(changes: Mapping[float, float], limit: float) -> float | None:
    """The largest share of new text whose change is at most a limit.

    Args:
        changes: the change of the base language's score by the share of new text, two or more.
        limit: bits per byte.

    Returns:
        A share between the lowest and the highest given; None if the change of the lowest is above the limit.
    """
    from scipy.interpolate import PchipInterpolator

    shares = sorted(changes)
    # More new text cannot help the base language: noise that says so is leveled.
    values = np.maximum.accumulate([changes[share] for share in shares])
    if values[0] > limit:
        return None
    grid = np.linspace(shares[0], shares[-1], 2001)
    within = grid[PchipInterpolator(shares, values)(grid) <= limit + 1e-12]
    return float(within[-1])


def resampled_changes(
    curves: Mapping[float, ChangeCurve],
    scores: Mapping[float, tuple[Reals, Reals]],
    at: Mapping[float, float],
    draws: int,
    seed: int,
) -> list[dict[float, float]]:
    """The changes at some amounts of training by curves fitted to resampled residuals: a bootstrap.

    Args:
        curves: by share.
        scores: tokens and changes that each was fitted to.
        at: tokens of training to give the change for, by share.
        draws: how many.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    found: Sequence[dict[float, float]] = [{} for _ in range(draws)]
    for share, curve in curves.items():
        tokens, change = scores[share]
        values = curve(tokens)
        errors = (change - values) * np.sqrt(len(change) / max(1, len(change) - FEWEST_POINTS))
        for one in found:
            drawn = values + generator.choice(errors, len(errors))
            one[share] = float(fit_change(tokens, drawn)(at[share]))
    return list(found)
