"""The D-CPT law: bits per byte by the amount of training and by a text's share of it.

    L(D, r) = E + B r^η / D^β + C / (r + ε)^γ

(arXiv 2406.01375, for one size of model, whose term A / N^α is part of E): D tokens of training, of which a
share r is text of the kind that L is measured on. It is fitted to the new language with r, and to the base's
with 1 − r. As in the paper, L-BFGS minimizes a Huber loss of the logarithms, with δ = 1e-3; the starts are
inferred: exponents on a grid, for each of which E, B and C are a linear problem.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from vocabx._util.json_file import Written

Reals = NDArray[np.float64]
# Bits per byte by tokens of training and share.
Law = Callable[[Reals | float, Reals | float], Reals]
# Numbers of the law, and the fewest scores and shares that it is fitted to.
NUMBERS = 7
FEWEST_SHARES, FEWEST_POINTS = 4, 2 * NUMBERS
DELTA = 1e-3
_STARTS = 6
# η, β, ε, γ.
_GRID = ((0.1, 0.5, 1.5), (0.15, 0.5, 1.0), (0.02, 0.1, 0.5), (0.1, 0.5, 1.5))
# Bounds of E, B, C in units of the largest score, then those of η, β, ε, γ: wide, and no number overflows.
_BOUNDS = ((1e-9, 2.0), (1e-9, 1e3), (1e-9, 1e3), (1e-3, 8.0), (1e-3, 4.0), (1e-4, 4.0), (1e-3, 8.0))


@dataclass(frozen=True)
class Points:
    """Scores of several runs, each array (n,).

    Attributes:
        tokens: of training before the score.
        share: of the text of the scored kind among them, from 0 to 1.
        bits: bits per byte.
    """

    tokens: Reals
    share: Reals
    bits: Reals

    def without(self, share: float) -> "Points":
        """Those of other shares."""
        kept = ~np.isclose(self.share, share, atol=1e-9)
        return Points(self.tokens[kept], self.share[kept], self.bits[kept])


class MixtureLaw(Written, frozen=True):
    """A fitted law.

    Attributes:
        floor, amount_size, share_size: E, B and C, in bits per byte.
        share_exponent, amount_exponent, offset, offset_exponent: η, β, ε and γ.
        unit: tokens that D is counted in.
    """

    floor: float
    amount_size: float
    share_size: float
    share_exponent: float
    amount_exponent: float
    offset: float
    offset_exponent: float
    unit: float

    def __call__(self, tokens: Reals | float, share: Reals | float) -> Reals:
        """Bits per byte after so many tokens, of which a share is of the scored kind."""
        amount = np.asarray(tokens, dtype=np.float64) / self.unit
        part = np.asarray(share, dtype=np.float64)
        fallen = self.amount_size * part**self.share_exponent * amount**-self.amount_exponent
        return np.asarray(
            self.floor + fallen + self.share_size * (part + self.offset) ** -self.offset_exponent
        )


def fit_mixture_law(points: Points, start: MixtureLaw | None = None) -> MixtureLaw:
    """The law of the smallest Huber loss.

    Args:
        points: `FEWEST_POINTS` scores or more, of `FEWEST_SHARES` shares or more.
        start: where to begin; None to begin at the best of a grid.

    Raises:
        ValueError: there are fewer.
    """
    if len(points.bits) < FEWEST_POINTS or len(np.unique(points.share)) < FEWEST_SHARES - 1:
        raise ValueError(f"a law of {NUMBERS} numbers needs more points than {len(points.bits)}")
    unit = float(points.tokens.max()) if start is None else start.unit
    scale = float(points.bits.max())
    amount, bits = points.tokens / unit, points.bits / scale
    firsts = _starts(amount, points.share, bits) if start is None else [_numbers(start, scale)]
    loss = _huber(amount, points.share, bits)
    found = min((_minimized(loss, first) for first in firsts), key=lambda one: one[0])[1]
    floor, size, share_size, eta, beta, offset, gamma = np.exp(found).tolist()
    return MixtureLaw(floor * scale, size * scale, share_size * scale, eta, beta, offset, gamma, unit)


def resampled_laws(points: Points, law: MixtureLaw, draws: int, seed: int) -> list[MixtureLaw]:
    """Laws fitted to the law's own values with residuals drawn with replacement: a bootstrap.

    Args:
        points: the scores that the law was fitted to.
        law: that law.
        draws: how many.
        seed: of the draws.
    """
    drawn = resampled(points, law(points.tokens, points.share), NUMBERS, draws, seed)
    return [fit_mixture_law(one, law) for one in drawn]


def resampled(points: Points, values: Reals, numbers: int, draws: int, seed: int) -> list[Points]:
    """The values of a law with its residuals drawn with replacement.

    Args:
        points: the scores that it was fitted to.
        values: what it says of them, (n,).
        numbers: how many were fitted.
        draws: how many to make.
        seed: of the draws.
    """
    generator, count = np.random.default_rng(seed), len(values)
    # As many numbers were fitted, so residuals are smaller than errors.
    errors = (np.log(points.bits) - np.log(values)) * np.sqrt(count / max(1, count - numbers))
    return [
        Points(points.tokens, points.share, values * np.exp(generator.choice(errors, count)))
        for _ in range(draws)
    ]


def left_out_errors(points: Points, fit: Callable[[Points], Law] = fit_mixture_law) -> dict[float, float]:
    """For each share but the lowest and the highest: how far off its last score is predicted without it.

    Args:
        points: the scores.
        fit: makes a law of some of them.

    Returns:
        The relative error, predicted over measured minus 1, by share; empty where too few would be left.
    """
    shares = np.unique(points.share)
    found = {}
    for share in shares[1:-1]:
        rest = points.without(float(share))
        if len(rest.bits) < FEWEST_POINTS or len(shares) < FEWEST_SHARES:
            continue
        last = np.flatnonzero(np.isclose(points.share, share, atol=1e-9))[-1]
        predicted = fit(rest)(points.tokens[last], points.share[last])
        found[float(share)] = float(predicted / points.bits[last] - 1)
    return found


def _starts(amount: Reals, share: Reals, bits: Reals) -> list[Reals]:
    """The logarithms of the best few of a grid of exponents, each with its best E, B and C."""
    from scipy.optimize import nnls

    found = []
    for eta, beta, offset, gamma in product(*_GRID):
        terms = np.stack([np.ones_like(bits), share**eta * amount**-beta, (share + offset) ** -gamma], axis=1)
        sizes, error = nnls(terms, bits)
        found.append((float(error), np.array([*sizes, eta, beta, offset, gamma])))
    found.sort(key=lambda one: one[0])
    return [np.log(np.maximum(numbers, 1e-6)) for _, numbers in found[:_STARTS]]


def _numbers(law: MixtureLaw, scale: float) -> Reals:
    sizes = [law.floor / scale, law.amount_size / scale, law.share_size / scale]
    exponents = [law.share_exponent, law.amount_exponent, law.offset, law.offset_exponent]
    return np.asarray(np.log(np.array([*sizes, *exponents])))


def _huber(amount: Reals, share: Reals, bits: Reals) -> Callable[[Reals], tuple[float, Reals]]:
    """The loss in units of δ², and its gradient, of the logarithms of the seven numbers."""
    log_amount, log_bits = np.log(amount), np.log(bits)
    # r^η is 0 for r = 0, and so is its derivative.
    log_share = np.log(np.where(share > 0, share, 1.0))

    def loss(logs: Reals) -> tuple[float, Reals]:
        floor, size, share_size, eta, beta, offset, gamma = np.exp(logs)
        fallen = size * share**eta * amount**-beta
        apart = share + offset
        rest = share_size * apart**-gamma
        value = floor + fallen + rest
        error = (np.log(value) - log_bits) / DELTA
        slope = np.clip(error, -1.0, 1.0)
        size_of = np.where(np.abs(error) <= 1, 0.5 * error**2, np.abs(error) - 0.5)
        parts = np.stack(
            [
                np.full_like(value, floor),
                fallen,
                rest,
                fallen * log_share * eta,
                -fallen * log_amount * beta,
                -gamma * rest / apart * offset,
                -rest * np.log(apart) * gamma,
            ]
        )
        return float(size_of.mean()), np.asarray((parts / value) @ slope / (DELTA * len(bits)))

    return loss


def _minimized(loss: Callable[[Reals], tuple[float, Reals]], first: Reals) -> tuple[float, Reals]:
    from scipy.optimize import minimize

    bounds = [(float(np.log(low)), float(np.log(high))) for low, high in _BOUNDS]
    low, high = np.array(bounds).T
    found = minimize(
        loss, np.clip(first, low, high), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 2000, "ftol": 1e-12, "gtol": 1e-10},
    )  # fmt: skip
    return float(found.fun), np.asarray(found.x, dtype=np.float64)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The interval of 90 % of some draws."""
    low, high = np.quantile(np.asarray(values, dtype=np.float64), (0.05, 0.95))
    return float(low), float(high)
