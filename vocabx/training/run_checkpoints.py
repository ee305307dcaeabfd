"""Checkpoints of an unfinished run: which are complete, which to resume from, which to remove.

A run may be interrupted at any time. A complete checkpoint is marked by a file that is written last.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from vocabx.checkpoint.journal import sync

DIRECTORY = "checkpoints"
_PREFIX = "checkpoint-"
_WHOLE = "whole.json"


@dataclass(frozen=True)
class SavedStep:
    """A complete checkpoint: its step and its directory."""

    step: int
    directory: Path


def checkpoint_of(run: Path, step: int) -> Path:
    """The directory of the checkpoint after a step of a run."""
    return run / DIRECTORY / f"{_PREFIX}{step}"


def mark_complete(directory: Path) -> None:
    """Mark a checkpoint as completely on disk."""
    sizes = {}
    for path in sorted(directory.iterdir()):
        sync(path)
        if path.is_file():
            sizes[path.name] = path.stat().st_size
    (directory / _WHOLE).write_text(json.dumps(sizes), encoding="utf-8")
    for path in (directory / _WHOLE, directory, directory.parent):
        sync(path)


def complete_checkpoints(run: Path) -> list[SavedStep]:
    """The complete checkpoints of a run, by step."""
    found = []
    for directory in (run / DIRECTORY).glob(f"{_PREFIX}*"):
        step = directory.name.removeprefix(_PREFIX)
        if step.isdigit() and _is_whole(directory):
            found.append(SavedStep(int(step), directory))
    return sorted(found, key=lambda saved: saved.step)


def remove_old(run: Path, keep: int, stable: int) -> None:
    """Remove incomplete checkpoints, and all others but the last `keep` and the one after step `stable`."""
    whole = complete_checkpoints(run)
    kept = {saved.directory for saved in whole[len(whole) - max(1, keep) :]}
    kept |= {saved.directory for saved in whole if saved.step == stable}
    for directory in (run / DIRECTORY).glob(f"{_PREFIX}*"):
        if directory not in kept:
            # Without its mark it is no longer a checkpoint, even if removing the rest is interrupted.
            (directory / _WHOLE).unlink(missing_ok=True)
            shutil.rmtree(directory)


def _is_whole(directory: Path) -> bool:
    try:
        sizes = json.loads((directory / _WHOLE).read_text(encoding="utf-8"))
        return all((directory / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False
