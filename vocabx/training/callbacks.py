"""Callbacks after each step of a run: recording metrics, scoring held-out text, stopping early."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import TrainerCallback

from vocabx.errors import TrainingError
from vocabx.progress import Advance, Progress
from vocabx.training.batches import Sequences
from vocabx.training.metrics import Metrics
from vocabx.training.model_loss import base_of
from vocabx.training.pace import Pace
from vocabx.training.processes import Processes
from vocabx.training.watch import Watch


@dataclass
class Recorder(TrainerCallback):  # type: ignore[misc]
    """Records the metrics of every step, and stops a run whose loss is NaN or Inf.

    Attributes:
        metrics: the file of metrics; None in all processes but the first.
        sequences: the training sequences, to count the bytes of their tokens.
        step_sequences: sequences per step.
        token_bytes: bytes of text per id.
        progress, advance: receive each step.
        watch: scores held-out text when the pace says so, None for never.
        pace: the schedule, and when to score.
        processes: the processes of the run.
        run: its directory.
        tokens, text_bytes: numbers of tokens predicted, and of bytes of their text, so far; the latter None
            if a run of an earlier version did not count them.
        rates: a function from step (from 0) to the learning rates by parameter group.
        report: passes held-out scores to trackers.
        report_step: passes to them what transformers does not report of a step by itself.
        follow: called when the pace has changed the schedule.
    """

    metrics: Metrics | None
    sequences: Sequences
    step_sequences: int
    token_bytes: NDArray[np.int64]
    progress: Progress
    advance: Advance
    watch: Watch | None
    pace: Pace
    processes: Processes
    run: Path
    tokens: int
    text_bytes: int | None
    rates: Callable[[int], dict[str, float]] = lambda step: {}
    report: Callable[[dict[str, float]], None] = lambda numbers: None
    report_step: Callable[[dict[str, float]], None] = lambda numbers: None
    follow: Callable[[], None] = lambda: None
    _since: float = field(default_factory=time.perf_counter)

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Score the model before its first step."""
        if not state.global_step:
            self._score(others["model"], 0)
        self._since = time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **others: Any) -> None:
        """Record the metrics of a step.

        Raises:
            TrainingError: if its loss or its gradient is NaN or Inf.
        """
        if "loss" not in logs:
            return
        step, loss = state.global_step, float(logs["loss"])
        seconds, self._since = time.perf_counter() - self._since, time.perf_counter()
        if self.pace.timed:
            seconds = self.processes.first(seconds)
        norm = float(logs.get("grad_norm", 0.0))
        if not math.isfinite(loss) or not math.isfinite(norm):
            what = "loss" if not math.isfinite(loss) else "gradient"
            raise TrainingError(
                f"the {what} of step {step} is NaN or Inf: lower --learning-rate and --rows-learning-rate, "
                f"or pass --dtype float32; --branch-from {self.run} with another --out starts from a saved "
                "step"
            )
        tokens, size = self._counts(step - 1)
        self.tokens += tokens
        if self.text_bytes is not None:
            self.text_bytes += self._bytes_read(step - 1, size)
        bits = loss * tokens / math.log(2) / max(1, size)
        entry = {
            "step": step, "loss": loss, "bits_per_byte": bits, "grad_norm": norm, "tokens": self.tokens,
            "seconds": round(seconds, 6), "tokens_per_second": round(tokens / seconds, 1),
            "rates": self.rates(step - 1), "text_bytes": self.text_bytes,
        }  # fmt: skip
        changed = self.pace.took(entry["seconds"])
        self._write(entry)
        shown = {name: entry[name] for name in ("bits_per_byte", "tokens_per_second")}
        self.report_step(shown | {f"learning_rate_{group}": rate for group, rate in entry["rates"].items()})
        speed = f"{tokens / seconds:,.0f} tokens/s, {size / seconds / 1000:,.1f} kB/s"
        self.progress.status(f"step {step:,}: loss {loss:.3f}, {bits:.3f} bits per byte; {speed}")
        self.advance(tokens if self.pace.limit is None else seconds)
        if changed:
            self.follow()
            # The end of the stable phase is known when it is reached, and so may be the end of the run.
            control.should_save |= not self.pace.open
            control.should_training_stop |= step >= self.pace.schedule.steps
        if self.watch is not None and self.pace.score_is_due(step):
            self._score(others["model"], step)
        self._since = time.perf_counter()

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Leave the time of saving out of the next step's."""
        self._since = time.perf_counter()

    def _counts(self, step: int) -> tuple[int, int]:
        """The number of tokens a step predicts, and their number of bytes."""
        first = step * self.step_sequences
        labels = self.sequences.labels(range(first, first + self.step_sequences))
        return len(labels), int(self.token_bytes[labels].sum())

    def _bytes_read(self, step: int, predicted: int) -> int:
        """The bytes of the text of a step, of which a model that fills in predicts a part alone."""
        if self.sequences.masking is None:
            return predicted
        first = step * self.step_sequences
        read = self.sequences.tokens(range(first, first + self.step_sequences))
        return int(self.token_bytes[read].sum())

    def _score(self, model: Any, step: int) -> None:
        if self.watch is None:
            return
        start = time.perf_counter()
        found = self.watch.score(base_of(model.model), self.processes)
        entry: dict[str, Any] = {
            "step": step, "tokens": self.tokens, "target_bits": found.target,
            "trained_seconds": round(self.pace.seconds, 6), "text_bytes": self.text_bytes,
        }  # fmt: skip
        text = f"step {step:,}: {found.target:.3f} bits per byte of held-out text"
        if found.base_language is not None:
            entry["base_bits"] = found.base_language
            text += f", {found.base_language:.3f} in the base's language"
        self.report({f"heldout_{name}": value for name, value in entry.items() if name.endswith("bits")})
        self._write({**entry, "seconds": round(time.perf_counter() - start, 3)})
        self.progress.note(text)

    def _write(self, entry: dict[str, Any]) -> None:
        if self.metrics is not None:
            self.metrics.add({name: value for name, value in entry.items() if value is not None})


@dataclass
class Stopper(TrainerCallback):  # type: ignore[misc]
    """Ends a run with a checkpoint, on a signal or at a time limit, and always saves before the decay.

    Attributes:
        pace: the schedule; a checkpoint is always saved before its decay.
        deadline: when to end, in seconds of `time.monotonic`, or None.
        processes: the processes of the run, which all end after the same step.
        reason: why it ended early, or "".
    """

    pace: Pace
    deadline: float | None
    processes: Processes
    reason: str = ""
    _signal: str = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """On the first SIGINT or SIGTERM, end after the current step; on a second one, end at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._heard)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Decide whether to save or to end."""
        step, schedule = state.global_step, self.pace.schedule
        # A run that turns out to be too short leaves nothing behind.
        if not self.pace.expected_steps:
            control.should_save = False
        reason = self._signal
        if not reason and self.deadline is not None and time.monotonic() >= self.deadline:
            reason = "time"
        if self.processes.any(bool(reason)):
            self.reason = reason or "another process"
            control.should_training_stop = True
            control.should_save = True
        if step in (schedule.stable_end, schedule.steps) and not self.pace.open:
            control.should_save = True

    def _heard(self, number: int, frame: Any) -> None:
        if self._signal:
            raise KeyboardInterrupt
        self._signal = "signal"
