"""metrics.jsonl: measurements after each step of a run, one JSON object per line.

A resumed run goes back to its checkpoint, and so does its file: later lines are removed.
"""

import json
import os
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"


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


def tokens_until(directory: Path, step: int) -> int:
    """The number of tokens that a run had predicted after a step."""
    return next((entry["tokens"] for entry in read_metrics(directory) if entry["step"] == step), 0)


def read_metrics(directory: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics, without a line truncated by a crash."""
    try:
        lines = (directory / METRICS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            entries.append(entry)
    return entries
