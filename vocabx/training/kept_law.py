"""A law for a language that the model knows: what is replayed improves it, and what is new takes from it.

    L(D, r) = L₀ · exp( −a (1 − exp(−(rD / s)^p)) + b ((1 − r) D)^q )

(inferred; no paper's): D tokens of training, of which a share r is replay, and L₀ the score before any of
them. The D-CPT law (see `mixture_law`) treats share and amount apart, knows nothing of L₀, and cannot rise
with D. Here nothing but the amounts of both texts counts, so what the other runs read on their way says what
a share would do that was not tried.
The gain of replay saturates, forgetting slows down (q ≤ 1). Fitted as D-CPT is: L-BFGS on a Huber loss of
logarithms, δ = 1e-3, from a grid of starts.
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from vocabx._util.json_file import Written
from vocabx.training.mixture_law import DELTA, FEWEST_POINTS, Points, Reals, resampled

NUMBERS = 5
_GRID = ((0.5, 1.0), (0.05, 0.3, 1.0), (0.3, 0.7, 1.0))
# Of a, s, p, b and q.
_BOUNDS = np.array([(1e-6, 5.0), (1e-2, 20.0), (0.2, 2.0), (1e-7, 5.0), (0.2, 1.0)])


class KeptLaw(Written, frozen=True):
    """A fitted law.

    Attributes:
        before: L₀, in bits per byte.
        gain, gain_size, gain_exponent: a, s and p.
        loss, loss_exponent: b and q.
        unit: tokens that D is counted in.
    """

    before: float
    gain: float
    gain_size: float
    gain_exponent: float
    loss: float
    loss_exponent: float
    unit: float

    def __call__(self, tokens: Reals | float, share: Reals | float) -> Reals:
        """Bits per byte after so many tokens, of which a share is of the scored kind."""
        numbers = np.array(
            [self.gain, self.gain_size, self.gain_exponent, self.loss, self.loss_exponent], dtype=np.float64
        )
        amount = np.asarray(tokens, dtype=np.float64) / self.unit
        return np.asarray(self.before * np.exp(_change(numbers, amount, np.asarray(share, np.float64))))


def fit_kept_law(points: Points, before: float, start: KeptLaw | None = None) -> KeptLaw:
    """The law of the smallest Huber loss.

    Args:
        points: scores of a language with its own share; `FEWEST_POINTS` or more.
        before: its score before training, in bits per byte.
        start: where to begin; None to begin at a grid.

    Raises:
        ValueError: there are fewer.
    """
    from scipy.optimize import minimize

    if len(points.bits) < FEWEST_POINTS:
        raise ValueError(f"a law of {NUMBERS} numbers needs more points than {len(points.bits)}")
    unit = float(points.tokens.max()) if start is None else start.unit
    loss = _huber(points.tokens / unit, points.share, np.log(points.bits / before))
    bounds = np.log(_BOUNDS)
    firsts = _starts() if start is None else [_numbers(start)]
    found = min(
        (
            minimize(
                loss, np.clip(np.log(first), *bounds.T), jac=True, method="L-BFGS-B", bounds=bounds.tolist()
            )
            for first in firsts
        ),
        key=lambda one: float(one.fun),
    )
    gain, size, exponent, lost, lost_exponent = np.exp(found.x).tolist()
    return KeptLaw(before, gain, size, exponent, lost, lost_exponent, unit)


def resampled_kept_laws(points: Points, law: KeptLaw, draws: int, seed: int) -> list[KeptLaw]:
    """Laws fitted to the law's own values with residuals drawn with replacement: a bootstrap.

    Args:
        points: the scores that the law was fitted to.
        law: that law.
        draws: how many.
        seed: of the draws.
    """
    drawn = resampled(points, law(points.tokens, points.share), NUMBERS, draws, seed)
    return [fit_kept_law(one, law.before, law) for one in drawn]


def _change(numbers: Reals, amount: Reals, share: Reals) -> Reals:
    gain, size, exponent, loss, loss_exponent = numbers
    gained = gain * -np.expm1(-((share * amount / size) ** exponent))
    return np.asarray(loss * ((1 - share) * amount) ** loss_exponent - gained)


def _huber(amount: Reals, share: Reals, change: Reals) -> Callable[[Reals], tuple[float, Reals]]:
    """The loss in units of δ², and its gradient, of the logarithms of the five numbers."""
    replayed, new = share * amount, (1 - share) * amount
    # What is 0 stays 0 whatever its exponent is.
    log_replayed, log_new = (np.log(np.where(part > 0, part, 1.0)) for part in (replayed, new))

    def loss(logs: Reals) -> tuple[float, Reals]:
        gain, size, exponent, lost, lost_exponent = np.exp(logs)
        power = (replayed / size) ** exponent
        forgotten = lost * new**lost_exponent
        error = (forgotten + gain * np.expm1(-power) - change) / DELTA
        slope = np.clip(error, -1.0, 1.0)
        size_of = np.where(np.abs(error) <= 1, 0.5 * error**2, np.abs(error) - 0.5)
        steep = gain * np.exp(-power) * power * exponent
        parts = np.stack(
            [
                gain * np.expm1(-power),
                steep,
                -steep * (log_replayed - logs[1]),
                forgotten,
                forgotten * log_new * lost_exponent,
            ]
        )
        return float(size_of.mean()), np.asarray(parts @ slope / (DELTA * len(change)))

    return loss


def _starts() -> list[Reals]:
    return [np.array([0.1, size, p, 0.02, q]) for p, size, q in product(*_GRID)]


def _numbers(law: KeptLaw) -> Reals:
    return np.array([law.gain, law.gain_size, law.gain_exponent, law.loss, law.loss_exponent])
