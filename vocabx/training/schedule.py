"""Learning rates over a run: new rows alone, then everything; warmup, a stable phase, decay to almost zero.

Pure functions of the step. Warmup-stable-decay: MiniCPM (arXiv 2404.06395), section 4; training rows first is
common for vocabulary extension (inferred).
"""

from vocabx._util.json_file import Count, Written


class Schedule(Written, frozen=True):
    """The phases of a run, in optimizer steps.

    Attributes:
        steps: steps of the run.
        rows_only: steps at the beginning that train the new rows alone; 0 if nothing else trains.
        warmup: steps of warmup.
        decay: steps of decay at the end.
    """

    steps: Count
    rows_only: Count
    warmup: Count
    decay: Count

    @property
    def stable_end(self) -> int:
        """The step at which the decay begins: a run can be branched there."""
        return self.steps - self.decay

    def of_rows(self, step: int) -> float:
        """The factor of the new rows' learning rate at a step, counted from 0."""
        return self._rise(step) * self._fall(step)

    def of_others(self, step: int) -> float:
        """The same for adapters and other weights, which start after the steps of the rows alone."""
        return 0.0 if step < self.rows_only else self._rise(step - self.rows_only) * self._fall(step)

    def _rise(self, step: int) -> float:
        return min(1.0, (step + 1) / (self.warmup + 1))

    def _fall(self, step: int) -> float:
        return min(1.0, (self.steps - step) / (self.decay + 1))


def make_schedule(steps: int, rows_first: float, warmup: float, decay: float) -> Schedule:
    """A schedule from shares of all steps, each from 0 to 1."""
    return Schedule(steps, round(steps * rows_first), round(steps * warmup), round(steps * decay))
