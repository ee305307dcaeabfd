"""A run that ends after a given time: its speed is measured, and its schedule is fitted to it.

Only training steps count: scoring held-out text, saving and loading do not. The first steps measure the
speed, at rates that do not depend on the length of the run. Then the lengths of the first phases follow from
the number of steps expected. The stable phase, whose rate is constant, needs no length: it ends when the
share of the time left is that of the decay, and only then the number of steps of the decay is fixed, from the
speed so far. So a drift of the speed moves the end of the run only by what happens during the decay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from vocabx._util.json_file import Count, Written
from vocabx.errors import TrainingError
from vocabx.training.schedule import DecayShape, Schedule

FEWEST_STEPS = 10
# The speed is measured over as many steps, or a hundredth of all if that is more; the first one is slower.
_MEASURED, _SHARE = 5, 0.01


class SpeedFit(Written, frozen=True):
    """The speed at which the number of steps was fitted: after a step, the seconds that training had taken
    until then, seconds per step, and the number of steps that follows for the whole run.
    """

    step: Count
    seconds: float
    seconds_per_step: float
    steps: Count


@dataclass(frozen=True)
class TimeLimit:
    """How long a run is to train.

    Attributes:
        seconds: of its training steps.
        most: number of steps at which it ends even if time is left.
        rows_first, warmup, decay: the phases, as shares of all steps.
        fewest: a run that would end after fewer steps is refused.
        shape, half_life: of the decay, see `Schedule`.
    """

    seconds: float
    most: int
    rows_first: float
    warmup: float
    decay: float
    fewest: int = FEWEST_STEPS
    shape: DecayShape = "linear"
    half_life: int = 0

    @property
    def opening(self) -> Schedule:
        """The schedule until the speed is known."""
        first = self.most if self.rows_first else 0
        return Schedule(self.most, first, self.most, 0, self.most, self.shape, self.half_life)


class Pace:
    """The schedule of a run while it runs, and when held-out text is scored.

    Attributes:
        schedule: the schedule as far as it is known. It changes at most twice, and never for a step that is
            past.
        limit: the time limit, None if the schedule is fixed.
        fits: the fits so far; a run without a time limit has none.
    """

    def __init__(
        self,
        schedule: Schedule,
        limit: TimeLimit | None = None,
        fits: Sequence[SpeedFit] = (),
        times: Sequence[float] = (),
        every: int = 0,
        marks: Sequence[float] = (),
        early: Sequence[int] = (),
    ) -> None:
        """Start, or go on.

        Args:
            schedule: as far as it is known.
            limit: the time limit, None if the schedule is fixed.
            fits: the fits of a run that is resumed.
            times: the seconds of each of its steps so far.
            every: steps between two scores; 0 if `marks` says when.
            marks: seconds of training after which to score, ascending.
            early: further steps to score after, at the beginning.
        """
        self.schedule, self.fits = schedule, tuple(fits)
        self.limit, self._times, self._every, self._marks = limit, list(times), every, tuple(marks)
        self._early = frozenset(early)
        self.seconds = float(sum(times))

    @property
    def timed(self) -> bool:
        """Whether anything depends on the time that steps take."""
        return self.limit is not None or bool(self._marks)

    @property
    def open(self) -> bool:
        """Whether the number of steps is not known yet."""
        return self.limit is not None and len(self.fits) < 2

    @property
    def expected_steps(self) -> int:
        """The number of steps of the run, as far as it is known; 0 while the speed is being measured."""
        if self.limit is None:
            return self.schedule.steps
        return self.fits[-1].steps if self.fits else 0

    def took(self, seconds: float) -> bool:
        """Count a step. Returns whether that changed the schedule.

        Raises:
            TrainingError: if the time is too short for a handful of steps.
        """
        self._times.append(seconds)
        self.seconds += seconds
        if self.limit is None or not self.open:
            return False
        before = self.schedule
        if not self.fits:
            self._fit_beginning(self.limit)
        if self.fits:
            self._fit_end(self.limit)
        return self.schedule != before

    def score_is_due(self, step: int) -> bool:
        """Whether held-out text is to be scored after the step that was counted last."""
        if step == self.schedule.steps or step in self._early:
            return True
        if not self._marks:
            return bool(self._every) and step % self._every == 0
        before = self.seconds - self._times[-1]
        return any(before < mark <= self.seconds for mark in self._marks)

    def _fit_beginning(self, limit: TimeLimit) -> None:
        step = len(self._times)
        later = self._times[1:] or self._times
        # While few steps are measured, only the fastest is sure not to be an exception.
        if step > 1 and limit.seconds < limit.fewest * min(later) and limit.fewest < limit.most:
            raise _too_short(limit, min(later))
        per_step = sum(later) / len(later)
        expected = step + max(0, round((limit.seconds - self.seconds) / per_step))
        steps = min(limit.most, expected)
        wanted = max(min(_MEASURED, max(2, limit.most // 10)), _SHARE * steps)
        over = step > 1 and self.seconds >= limit.seconds
        if step < min(wanted, _stable_end(limit)) and not over:
            return
        if expected < min(limit.fewest, limit.most):
            raise _too_short(limit, per_step, self._times[0])
        rows_only = max(step, round(steps * limit.rows_first)) if limit.rows_first else 0
        self.schedule = replace(
            limit.opening, rows_only=rows_only, warmup=round(steps * limit.warmup), measured=step
        )
        self._record(per_step, steps)

    def _fit_end(self, limit: TimeLimit) -> None:
        step = len(self._times)
        recent = self._recent()
        per_step = sum(recent) / len(recent)
        left = limit.seconds - self.seconds
        if step < _stable_end(limit) and left > limit.decay * limit.seconds + per_step / 2:
            return
        decay = max(min(1, round(limit.decay * limit.most)), round(left / per_step)) if limit.decay else 0
        decay = min(decay, limit.most - step)
        self.schedule = replace(self.schedule, steps=step + decay, decay=decay)
        self._record(per_step, step + decay)

    def _recent(self) -> list[float]:
        """The seconds of the steps in the last third of the time, without the first step, which is slower."""
        count, taken = 0, 0.0
        while count < len(self._times) - 1 and (count < _MEASURED or taken < self.seconds / 3):
            count += 1
            taken += self._times[-count]
        return self._times[-count:] if count else self._times

    def _record(self, per_step: float, steps: int) -> None:
        fit = SpeedFit(len(self._times), round(self.seconds, 6), round(per_step, 6), steps)
        self.fits = (*self.fits, fit)


def every(given: int | None, steps: int) -> int:
    """Steps between two scores or checkpoints: as given, else a tenth of all."""
    return max(1, steps // 10) if given is None else given


def early_scores(between: float) -> tuple[float, ...]:
    """Further places before the first score, each twice as far as the one before.

    There a gap in the held-out scores shows (arXiv 2406.14833), which lasts for a few hundredths of a run.

    Args:
        between: the first score, in steps or in seconds.
    """
    return (between / 8, between / 4, between / 2)


def _stable_end(limit: TimeLimit) -> int:
    """The step at which the decay begins at the latest."""
    return max(1, limit.most - round(limit.most * limit.decay))


def _too_short(limit: TimeLimit, per_step: float, first: float = 0.0) -> TrainingError:
    needed = max(first, per_step) + limit.fewest * per_step
    return TrainingError(
        f"--max-minutes {limit.seconds / 60:.2g} is too short: a step takes about {per_step:.2g} seconds, "
        f"and a run needs {limit.fewest}; pass at least {1.1 * needed / 60:.2g}, or lower --step-sequences"
    )
