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
from vocabx.training.processes import Processes
from vocabx.training.schedule import Schedule
from vocabx.training.watch import Watch


@dataclass
class Recorder(TrainerCallback):  # type: ignore[misc]
    """Records the metrics of every step, and stops a run whose loss is NaN or Inf.

    Attributes:
        metrics: the file of metrics; None in all processes but the first.
        sequences: the training sequences, to count the bytes of their tokens.
        step_sequences: sequences per step.
        token_bytes: bytes of text per id.
        rates: a function from step (from 0) to the learning rates by parameter group.
        progress, advance: receive each step.
        watch: scores held-out text every `every` steps, None for never.
        every: number of steps between scores.
        processes: the processes of the run.
        run: its directory.
        tokens: number of tokens predicted so far.
        report: passes metrics to other trackers.
    """

    metrics: Metrics | None
    sequences: Sequences
    step_sequences: int
    token_bytes: NDArray[np.int64]
    rates: Callable[[int], dict[str, float]]
    progress: Progress
    advance: Advance
    watch: Watch | None
    every: int
    processes: Processes
    run: Path
    tokens: int
    report: Callable[[dict[str, float]], None] = lambda numbers: None
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
        bits = loss * tokens / math.log(2) / max(1, size)
        entry = {
            "step": step, "loss": loss, "bits_per_byte": bits, "grad_norm": norm, "tokens": self.tokens,
            "seconds": round(seconds, 3), "tokens_per_second": round(tokens / seconds, 1),
            "rates": self.rates(step - 1),
        }  # fmt: skip
        self._write(entry)
        self.progress.status(f"step {step:,}: loss {loss:.3f}, {bits:.3f} bits per byte")
        self.advance(tokens)
        if self.every and (step % self.every == 0 or step == state.max_steps):
            self._score(others["model"], step)
            self._since = time.perf_counter()

    def _counts(self, step: int) -> tuple[int, int]:
        """The number of tokens a step predicts, and their number of bytes."""
        first = step * self.step_sequences
        labels = self.sequences.labels(range(first, first + self.step_sequences))
        return len(labels), int(self.token_bytes[labels].sum())

    def _score(self, model: Any, step: int) -> None:
        if self.watch is None:
            return
        start = time.perf_counter()
        found = self.watch.score(base_of(model.model), self.processes)
        entry: dict[str, Any] = {"step": step, "tokens": self.tokens, "target_bits": found.target}
        text = f"step {step:,}: {found.target:.3f} bits per byte of held-out text"
        if found.base_language is not None:
            entry["base_bits"] = found.base_language
            text += f", {found.base_language:.3f} in the base's language"
        self.report({f"heldout_{name}": value for name, value in entry.items() if name.endswith("bits")})
        self._write({**entry, "seconds": round(time.perf_counter() - start, 3)})
        self.progress.note(text)

    def _write(self, entry: dict[str, Any]) -> None:
        if self.metrics is not None:
            self.metrics.add(entry)


@dataclass
class Stopper(TrainerCallback):  # type: ignore[misc]
    """Ends a run with a checkpoint, on a signal or at a time limit, and always saves before the decay.

    Attributes:
        schedule: the schedule; a checkpoint is always saved before its decay.
        minutes: the time limit, or None.
        processes: the processes of the run, which all end after the same step.
        reason: why it ended early, or "".
    """

    schedule: Schedule
    minutes: float | None
    processes: Processes
    reason: str = ""
    _signal: str = ""
    _start: float = field(default_factory=time.monotonic)

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
        step = state.global_step
        reason = self._signal
        if not reason and self.minutes is not None and time.monotonic() - self._start >= self.minutes * 60:
            reason = "time"
        if self.processes.any(bool(reason)):
            self.reason = reason or "another process"
            control.should_training_stop = True
            control.should_save = True
        if step in (self.schedule.stable_end, self.schedule.steps):
            control.should_save = True

    def _heard(self, number: int, frame: Any) -> None:
        if self._signal:
            raise KeyboardInterrupt
        self._signal = "signal"
