"""Learning rates over a run: the new rows alone, then everything; warm-up, a stable phase, a fall to nothing.

Pure functions of the step. Warmup-stable-decay: MiniCPM (arXiv 2404.06395), section 4; rows first is the
recipe of vocabulary extensions (inferred).
"""

from vocabx._util.json_file import Count, Written


class Schedule(Written, frozen=True):
    """The phases of a run, in optimizer steps.

    Attributes:
        steps: of the run.
        rows_only: how many at the beginning train the new rows alone; 0 where nothing else trains.
        warmup: how many a rate takes to rise.
        decay: how many at the end it takes to fall.
    """

    steps: Count
    rows_only: Count
    warmup: Count
    decay: Count

    @property
    def stable_end(self) -> int:
        """The step before which no rate falls: a run can be branched there."""
        return self.steps - self.decay

    def of_rows(self, step: int) -> float:
        """What the new rows' learning rate is multiplied by at a step, counted from 0."""
        return self._rise(step) * self._fall(step)

    def of_others(self, step: int) -> float:
        """The same for adapters and other weights, which wait until the rows have had their steps."""
        return 0.0 if step < self.rows_only else self._rise(step - self.rows_only) * self._fall(step)

    def _rise(self, step: int) -> float:
        return min(1.0, (step + 1) / (self.warmup + 1))

    def _fall(self, step: int) -> float:
        return min(1.0, (self.steps - step) / (self.decay + 1))


def make_schedule(steps: int, rows_first: float, warmup: float, decay: float) -> Schedule:
    """A schedule from shares of all steps, each from 0 to 1."""
    return Schedule(steps, round(steps * rows_first), round(steps * warmup), round(steps * decay))
