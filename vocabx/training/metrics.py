"""metrics.jsonl: measurements after each step of a run, one JSON object per line.

A resumed run goes back to its checkpoint, and so does its file: later lines are removed.
"""

import json
import os
from pathlib import Path
from typing import Any

from vocabx._util.json_file import Count, Written, is_there, read_lines, refusal
from vocabx.errors import TrainingError

METRICS = "metrics.jsonl"
_REMEDY = "restore it, or train again"


class Measured(Written, frozen=True, omit_defaults=True):
    """Held-out text scored after a step: bits per byte of the target's and of the base's language, the latter
    None where there is no text in it; tokens predicted so far, and the seconds that scoring took; the seconds
    of training steps and the bytes of text read so far, None in runs of earlier versions.
    """

    step: Count
    tokens: Count
    target_bits: float
    seconds: float
    base_bits: float | None = None
    trained_seconds: float | None = None
    text_bytes: Count | None = None


class StepNumbers(Written, frozen=True, omit_defaults=True):
    """The numbers of a step: loss and gradient, bits per byte of what was learned from, tokens predicted so
    far, time, the learning rates by what they are of, and the bytes of text read so far, None in runs of
    earlier versions.
    """

    step: Count
    loss: float
    bits_per_byte: float
    grad_norm: float
    tokens: Count
    seconds: float
    tokens_per_second: float
    rates: dict[str, float]
    text_bytes: Count | None = None


class Metrics:
    """The file of a run, open for writing."""

    def __init__(self, directory: Path, step: int) -> None:
        """Open it, and drop all lines after `step`."""
        path = directory / METRICS
        kept = [entry for entry in read_metrics(directory) if entry["step"] <= step]
        part = path.with_suffix(".part")
        part.write_text("".join(f"{json.dumps(entry)}\n" for entry in kept), encoding="utf-8")
        part.replace(path)
        self._stream = path.open("a", encoding="utf-8")

    def add(self, entry: dict[str, Any]) -> None:
        """Write one line."""
        self._stream.write(f"{json.dumps(entry)}\n")
        self._stream.flush()

    def close(self) -> None:
        """Sync it to disk."""
        os.fsync(self._stream.fileno())
        self._stream.close()


def counts_until(directory: Path, step: int) -> tuple[int, int | None]:
    """How many tokens a run had predicted after a step, and of how many bytes of text, None if unknown.

    Raises:
        TrainingError: its metrics do not say, or are damaged.
    """
    found = next((entry for entry in read_metrics(directory) if entry["step"] == step), None)
    if found is None:
        says = f"has no line of step {step}, which a checkpoint was taken after"
        raise refusal(directory / METRICS, TrainingError, says, _REMEDY)
    return found["tokens"], found.get("text_bytes")


def step_seconds(directory: Path, step: int) -> list[float]:
    """The seconds that each step of a run took, up to a step."""
    entries = read_metrics(directory)
    return [entry["seconds"] for entry in entries if "loss" in entry and entry["step"] <= step]


def read_metrics(directory: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics, none if there are none yet; an incomplete last line is left out.

    Raises:
        TrainingError: a line is damaged.
    """
    path = directory / METRICS
    lines = read_lines(path, _kind_of, TrainingError, _REMEDY) if is_there(path) else []
    return [line.plain() for line in lines]


def _kind_of(line: dict[str, Any]) -> type[Measured | StepNumbers]:
    return Measured if "target_bits" in line else StepNumbers
