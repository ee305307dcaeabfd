"""Learning rates over a run: new rows alone, then everything; warmup, a stable phase, decay to almost zero.

Pure functions of the step. Warmup-stable-decay: MiniCPM (arXiv 2404.06395), section 4, whose decay is
exponential; a linear one is common, too, and training rows first is common for vocabulary extension
(inferred).
"""

from typing import Literal

from vocabx._util.json_file import Count, Written

DecayShape = Literal["linear", "exponential"]
# Half-lives in a decay whose half-life is not given: its last rate is a 128th (inferred).
_HALVINGS = 7

# The warmup of a run whose length is not known yet: up to half the peak rate, in tenths.
_OPENING_STEPS, _OPENING_PEAK = 10, 0.5


class Schedule(Written, frozen=True, omit_defaults=True):
    """The phases of a run, in optimizer steps.

    Attributes:
        steps: steps of the run.
        rows_only: steps at the beginning that train the new rows alone; 0 if nothing else trains.
        warmup: steps of warmup.
        decay: steps of decay at the end.
        measured: steps at the beginning that measured how fast the run is, before its number of steps was
            known; 0 if it was known from the beginning. Their rates depend on no other phase.
        shape: of the decay.
        half_life: steps in which an exponential decay halves the rates; 0 for a seventh of the decay.
    """

    steps: Count
    rows_only: Count
    warmup: Count
    decay: Count
    measured: Count = 0
    shape: DecayShape = "linear"
    half_life: Count = 0

    @property
    def stable_end(self) -> int:
        """The step at which the decay begins: a run can be branched there."""
        return self.steps - self.decay

    @property
    def decay_text_begin(self) -> int:
        """The step, counted from 0, from which on the text is that of the decay.

        Where the speed decides when the decay begins, it is known only when a batch of its first step has
        been fetched already, so the text changes one step later.
        """
        return self.stable_end + bool(self.measured)

    def of_rows(self, step: int) -> float:
        """The factor of the new rows' learning rate at a step, counted from 0."""
        return self._rise_from_start(step) * self._fall(step)

    def of_others(self, step: int) -> float:
        """The same for adapters and other weights, which start after the steps of the rows alone."""
        if not self.rows_only:
            return self.of_rows(step)
        return 0.0 if step < self.rows_only else self._rise(step - self.rows_only) * self._fall(step)

    def _rise_from_start(self, step: int) -> float:
        if not self.measured:
            return self._rise(step)
        if step < self.measured:
            return min(_OPENING_PEAK, (step + 1) / _OPENING_STEPS)
        reached = min(_OPENING_PEAK, self.measured / _OPENING_STEPS)
        left = max(self.warmup, self.measured) - self.measured + 1
        return min(1.0, reached + (1 - reached) * (step - self.measured + 1) / left)

    def _rise(self, step: int) -> float:
        return min(1.0, (step + 1) / (self.warmup + 1))

    def _fall(self, step: int) -> float:
        if self.shape == "linear" or not self.decay:
            return min(1.0, (self.steps - step) / (self.decay + 1))
        # The paper counts steps from 1: the first one of the decay has a lower rate already.
        fallen = (step + 1 - self.stable_end) / (self.half_life or self.decay / _HALVINGS)
        return float(0.5 ** max(0.0, fallen))


def make_schedule(
    steps: int,
    rows_first: float,
    warmup: float,
    decay: float,
    shape: DecayShape = "linear",
    half_life: int = 0,
) -> Schedule:
    """A schedule from shares of all steps, each from 0 to 1; shape and half-life as in `Schedule`."""
    return Schedule(
        steps,
        round(steps * rows_first),
        round(steps * warmup),
        round(steps * decay),
        shape=shape,
        half_life=half_life,
    )
