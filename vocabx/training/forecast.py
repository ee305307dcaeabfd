"""Where two learning curves cross: each is fitted with a saturating power law, b + a · (s + s0)^-c.

A run ends with a decay of its learning rates, which lowers its loss at once. The law is fitted to the scores
between warmup and decay, and the gain of the decay is added as it was measured at the end: what is compared
is a run of any length that decays at its end as this one did. The form is that of loss curves over data
(arXiv 2001.08361), with an offset for what came before; the intervals are a bootstrap of the residuals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vocabx._util.json_file import Count, Written

FEWEST_POINTS = 5
WITHIN = 10.0
_DRAWS = 200
_GRID = 1024
# Of s0 and c, with s relative to the last point. Scores of a run cannot tell more extreme values apart.
_OFFSETS, _EXPONENTS = (1e-3, 3.0), (0.05, 2.0)
_STARTS = 9
_INTERVAL = (0.05, 0.95)

Reals = NDArray[np.float64]
Verdict = Literal[
    "too_few", "extended_ahead", "base_ahead", "extended_overtook", "base_overtook", "extended_overtakes",
    "base_overtakes",
]  # fmt: skip


class Crossing(Written, frozen=True, omit_defaults=True):
    """Whether and where two curves cross.

    Attributes:
        verdict: "too_few" points; one is "ahead" throughout; or one "overtook" the other during the run, or
            "overtakes" it in a longer one.
        points: number of scores that were fitted of the extended model and of the base.
        within: how far was looked, in lengths of the run.
        at: where they cross, in seconds or bytes; None if they do not.
        low, high: interval of 90 %; None where it is open.
        share: share of the bootstrap's draws in which they cross that way.
    """

    verdict: Verdict
    points: tuple[Count, Count]
    within: float = WITHIN
    at: float | None = None
    low: float | None = None
    high: float | None = None
    share: float = 0.0


@dataclass(frozen=True)
class Curve:
    """Scores of a run.

    Attributes:
        at: seconds or bytes of the scores between warmup and decay, (n,), ascending.
        bits: bits per byte there, (n,).
        end: place and bits per byte of the score after the decay; None if the rates did not decay.
    """

    at: Sequence[float]
    bits: Sequence[float]
    end: tuple[float, float] | None = None

    @property
    def last(self) -> float:
        """Where the curve ends."""
        return self.end[0] if self.end else self.at[-1]


@dataclass(frozen=True)
class PowerLaw:
    """b + a · (s / unit + offset)^-c, and the gain that is added."""

    floor: float
    size: float
    offset: float
    exponent: float
    unit: float
    gain: float = 0.0

    def __call__(self, at: Reals) -> Reals:
        """Its values."""
        fallen = (at / self.unit + self.offset) ** -self.exponent
        return np.asarray(self.floor + self.size * fallen + self.gain)


def fit_power_law(curve: Curve) -> PowerLaw:
    """The law of least squares, with floor and size of at least 0; the gain of the decay is that at its end.

    Args:
        curve: at least two points.
    """
    at, bits = np.asarray(curve.at, dtype=np.float64), np.asarray(curve.bits, dtype=np.float64)
    return _with_gain(_fitted(at, bits, curve.last), curve)


def forecast_crossing(
    extended: Curve, base: Curve, within: float = WITHIN, seed: int = 0, draws: int = _DRAWS
) -> Crossing:
    """Whether and where the curve of the extended model crosses that of the base left alone.

    A crossing after the end of the shorter curve is preferred to one before it.

    Args:
        extended, base: the curves.
        within: how far to look, in lengths of the shorter curve.
        seed: of the bootstrap.
        draws: of the bootstrap.
    """
    curves, points = (extended, base), (len(extended.at), len(base.at))
    if min(points) < FEWEST_POINTS:
        return Crossing("too_few", points, within)
    laws = [fit_power_law(curve) for curve in curves]
    now = min(curve.last for curve in curves)
    grid = np.geomspace(min(max(curve.at[0], 1e-3 * now) for curve in curves), within * now, _GRID)
    found = _crossings(laws, grid)
    ahead = _difference(laws, np.array([now]))[0] < 0
    later, earlier = [one for one in found if one[0] > now], [one for one in found if one[0] <= now]
    chosen = later[0] if later else earlier[-1] if earlier else None
    # The direction that a crossing would have if there is none.
    downwards = chosen[1] if chosen else not ahead
    drawn = _bootstrap(curves, laws, grid, draws, seed)
    places = np.array([_nearest(one, downwards, chosen[0] if chosen else now) for one in drawn])
    share = float(np.isfinite(places).mean()) if draws else 0.0
    if chosen is None:
        return Crossing("extended_ahead" if ahead else "base_ahead", points, within, share=share)
    low, high = np.quantile(places, _INTERVAL, method="nearest") if draws else (np.inf, np.inf)
    # Where many draws do not cross, the fit may cross before those that do.
    low, high = min(low, chosen[0]) if draws else low, max(high, chosen[0])
    if later:
        verdict: Verdict = "extended_overtakes" if downwards else "base_overtakes"
    else:
        verdict = "extended_overtook" if downwards else "base_overtook"
    return Crossing(verdict, points, within, float(chosen[0]), _finite(low), _finite(high), round(share, 3))


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _nearest(found: Sequence[tuple[float, bool]], downwards: bool, place: float) -> float:
    """The crossing of a direction next to a place, infinity if there is none."""
    return min(
        (at for at, direction in found if direction == downwards),
        key=lambda at: abs(np.log(at / place)),
        default=np.inf,
    )


def _difference(laws: Sequence[PowerLaw], at: Reals) -> Reals:
    return laws[0](at) - laws[1](at)


def _crossings(laws: Sequence[PowerLaw], grid: Reals) -> list[tuple[float, bool]]:
    """Each place on a grid where the difference changes its sign, and whether it turns negative."""
    from scipy.optimize import brentq

    difference = _difference(laws, grid)
    found = []
    for index in np.flatnonzero((difference[:-1] < 0) != (difference[1:] < 0)):
        root = brentq(lambda at: float(_difference(laws, np.array([at]))[0]), grid[index], grid[index + 1])
        found.append((float(root), bool(difference[index + 1] < 0)))
    return found


def _bootstrap(
    curves: Sequence[Curve], laws: Sequence[PowerLaw], grid: Reals, draws: int, seed: int
) -> list[list[tuple[float, bool]]]:
    """The crossings of laws fitted to the first laws' values plus residuals drawn with replacement."""
    generator = np.random.default_rng(seed)
    places = [np.asarray(curve.at, dtype=np.float64) for curve in curves]
    values = [law(at) - law.gain for law, at in zip(laws, places, strict=True)]
    errors = [
        # Four numbers were fitted, so residuals are smaller than errors.
        (np.asarray(curve.bits) - value) * np.sqrt(len(value) / max(1, len(value) - 4))
        for curve, value in zip(curves, values, strict=True)
    ]
    found = []
    for _ in range(draws):
        drawn = []
        for curve, at, law, value, error in zip(curves, places, laws, values, errors, strict=True):
            bits = value + generator.choice(error, len(error))
            drawn.append(_with_gain(_fitted(at, bits, curve.last, law), curve))
        found.append(_crossings(drawn, grid))
    return found


def _with_gain(law: PowerLaw, curve: Curve) -> PowerLaw:
    if curve.end is None:
        return law
    gain = curve.end[1] - float(law(np.array([curve.end[0]]))[0])
    return PowerLaw(law.floor, law.size, law.offset, law.exponent, law.unit, gain)


def _fitted(at: Reals, bits: Reals, unit: float, start: PowerLaw | None = None) -> PowerLaw:
    """Least squares over offset and exponent; for each pair, floor and size are a linear problem.

    Args:
        at, bits: the points.
        unit: of the offset.
        start: where to begin; None to begin at the best of a grid.
    """
    from scipy.optimize import least_squares

    relative = at / unit

    def linear(logs: Reals) -> tuple[float, float, Reals]:
        """Floor, size and residuals for logarithms of offset and exponent."""
        fallen = (relative + np.exp(logs[0])) ** -np.exp(logs[1])
        floor, size = _non_negative(fallen, bits)
        return floor, size, floor + size * fallen - bits

    def residuals(logs: Reals) -> Reals:
        return linear(logs)[2]

    low, high = np.log(np.array([_OFFSETS, _EXPONENTS])).T
    if start is None:
        axes = [np.linspace(low[i], high[i], _STARTS) for i in range(2)]
        first = min(
            (np.array([offset, exponent]) for offset in axes[0] for exponent in axes[1]),
            key=lambda logs: float(np.sum(linear(logs)[2] ** 2)),
        )
    else:
        first = np.log(np.array([start.offset, start.exponent]))
    inside = np.clip(first, low + 1e-6, high - 1e-6)
    bounds = (low, high)
    fit = least_squares(residuals, inside, bounds=bounds, ftol=1e-12, xtol=1e-10, gtol=1e-14)
    floor, size, _ = linear(fit.x)
    return PowerLaw(floor, size, float(np.exp(fit.x[0])), float(np.exp(fit.x[1])), unit)


def _non_negative(fallen: Reals, bits: Reals) -> tuple[float, float]:
    """The least squares of floor + size · fallen, both at least 0."""
    centered = fallen - fallen.mean()
    spread = float(centered @ centered)
    size = max(0.0, float(centered @ bits) / spread) if spread else 0.0
    floor = float(bits.mean() - size * fallen.mean())
    if floor < 0:
        return 0.0, max(0.0, float(fallen @ bits) / float(fallen @ fallen))
    return floor, size
