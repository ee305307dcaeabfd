"""The extended model against the base left alone: both trained on the same text for the same time.

Their tokens differ, so they are compared in bits per byte, over seconds of training and over bytes of text.
"""

from collections.abc import Sequence

import numpy as np

from vocabx._util.json_file import Count, Written
from vocabx.training.forecast import Crossing, Curve, forecast_crossing
from vocabx.training.metrics import Measured
from vocabx.training.schedule import Schedule

DIRECTORY = "base-alone"


class Equal(Written, frozen=True):
    """Bits per byte of held-out text of both at one place: the extended model's and the base's.

    Attributes:
        at: seconds of training, or bytes of text read.
        extended, base: bits per byte there, between two scores by interpolation.
        decayed: whether both had decayed their learning rates; before that, scores are worse.
    """

    at: float
    extended: float
    base: float
    decayed: bool

    @property
    def lead(self) -> float:
        """By how much the extended model is ahead, in bits per byte; negative if it is behind."""
        return self.base - self.extended


class Contest(Written, frozen=True):
    """How the base left alone did on the same text in the same time.

    Attributes:
        directory: of its run, inside the directory of this one.
        fewer_tokens: tokens of the base per token of the extended model, on the held-out text.
        equal_time, equal_text: both models after the same time, and after the same bytes of text.
        crossing_time, crossing_text: whether and where their curves cross, in seconds and in bytes.
        steps: steps of the base.
        speed: tokens per second of the base, relative to the extended model. Both do almost the same work
            per token: a number far from 1 is another load of the machine, and distorts equal time.
        measured: the held-out scores of the base.
    """

    directory: str
    fewer_tokens: float
    equal_time: Equal
    equal_text: Equal
    crossing_time: Crossing
    crossing_text: Crossing
    steps: Count
    speed: float
    measured: tuple[Measured, ...]


class Contestant(Written, frozen=True):
    """One of the two runs: its held-out scores and its schedule."""

    measured: tuple[Measured, ...]
    schedule: Schedule


def compare_contestants(extended: Contestant, base: Contestant, fewer_tokens: float, seed: int) -> Contest:
    """Compare two finished runs, each with two held-out scores or more.

    Args:
        extended, base: the runs.
        fewer_tokens: see `Contest`.
        seed: of the intervals of the crossings.
    """
    return Contest(
        directory=DIRECTORY,
        fewer_tokens=round(fewer_tokens, 4),
        equal_time=_equal(extended, base, "trained_seconds"),
        equal_text=_equal(extended, base, "text_bytes"),
        crossing_time=_crossing(extended, base, "trained_seconds", seed),
        crossing_text=_crossing(extended, base, "text_bytes", seed),
        steps=base.schedule.steps,
        speed=round(_speed(base) / _speed(extended), 4),
        measured=base.measured,
    )


def points_of(measured: Sequence[Measured], axis: str) -> tuple[list[float], list[float]]:
    """The held-out scores of a run over seconds or bytes; those without that number are left out.

    Args:
        measured: the scores.
        axis: "trained_seconds" or "text_bytes".
    """
    found = [(float(at), one.target_bits) for one in measured if (at := getattr(one, axis)) is not None]
    return [at for at, _ in found], [bits for _, bits in found]


def _speed(run: Contestant) -> float:
    """Tokens per second."""
    last = run.measured[-1]
    return max(1, last.tokens) / max(1e-9, last.trained_seconds or 0.0)


def _crossing(extended: Contestant, base: Contestant, axis: str, seed: int) -> Crossing:
    return forecast_crossing(_curve(extended, axis), _curve(base, axis), seed=seed)


def _curve(run: Contestant, axis: str) -> Curve:
    schedule = run.schedule
    begun = max(schedule.measured, schedule.rows_only + schedule.warmup)
    stable = [one for one in run.measured if begun <= one.step <= schedule.stable_end and one.step]
    at, bits = points_of(stable, axis)
    ends = points_of(run.measured[-1:], axis)
    decayed = bool(schedule.decay) and run.measured[-1].step > schedule.stable_end
    return Curve(at, bits, (ends[0][0], ends[1][0]) if decayed else None)


def _equal(extended: Contestant, base: Contestant, axis: str) -> Equal:
    """Both at the end of the shorter run; two that ended within one step of each other ended together."""
    points = [points_of(run.measured, axis) for run in (extended, base)]
    ends = [at[-1] for at, _ in points]
    steps = max(end / max(1, run.schedule.steps) for end, run in zip(ends, (extended, base), strict=True))
    together = abs(ends[0] - ends[1]) <= max(steps, 0.02 * max(ends))
    if together:
        return Equal(min(ends), points[0][1][-1], points[1][1][-1], True)
    values = [float(np.interp(min(ends), at, bits)) for at, bits in points]
    return Equal(min(ends), values[0], values[1], False)
