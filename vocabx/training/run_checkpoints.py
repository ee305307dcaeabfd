"""Checkpoints of an unfinished run: which are complete, which to resume from, which to remove.

A run may be interrupted at any time. A complete checkpoint is marked by a file that is written last.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from vocabx._util.json_file import Count, Written, fit, is_there, read_fields, read_object, refusal
from vocabx.checkpoint.journal import sync
from vocabx.checkpoint.manifest import file_hash
from vocabx.errors import TrainingError

DIRECTORY = "checkpoints"
_PREFIX = "checkpoint-"
_WHOLE = "whole.json"
_STATE = "trainer_state.json"
_REMEDY = "restore it, or remove the directory it is in, and go on from the checkpoint before"


class _SavedFile(Written, frozen=True):
    """A file of a checkpoint when it was whole."""

    bytes: Count
    sha256: str


class _State(msgspec.Struct, frozen=True):
    """What is read of the state of transformers' Trainer."""

    global_step: Count


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
    files = {}
    for path in sorted(directory.iterdir()):
        sync(path)
        if path.is_file():
            files[path.name] = _SavedFile(path.stat().st_size, file_hash(path)).plain()
    part = directory / f"{_WHOLE}.part"
    part.write_text(json.dumps(files), encoding="utf-8")
    sync(part)
    # A mark that exists is complete, so one that cannot be read was damaged.
    part.replace(directory / _WHOLE)
    for path in (directory, directory.parent):
        sync(path)


def complete_checkpoints(run: Path) -> list[SavedStep]:
    """The complete checkpoints of a run, by step; those that were damaged since are left out."""
    found = []
    for saved in _marked(run):
        try:
            _check(saved, hashed=False)
        except TrainingError:
            continue
        found.append(saved)
    return found


def resumable_checkpoints(run: Path) -> list[SavedStep]:
    """The same for a run that is to be resumed, whose checkpoints must be unchanged.

    Raises:
        TrainingError: one was damaged since it was complete.
    """
    found = []
    for saved in _marked(run):
        try:
            _check(saved, hashed=True)
        except TrainingError:
            # Another process of the run may just be removing its old ones.
            if is_there(saved.directory / _WHOLE):
                raise
            continue
        found.append(saved)
    return found


def take_over(saved: SavedStep, run: Path) -> None:
    """Copy a checkpoint into another run that has none, and mark it complete there."""
    place = checkpoint_of(run, saved.step)
    shutil.copytree(saved.directory, place, ignore=shutil.ignore_patterns(_WHOLE))
    mark_complete(place)


def remove_old(run: Path, keep: int, stable: int, every: int) -> None:
    """Remove incomplete checkpoints and old ones, so that an interrupted run ends with those of any other.

    Args:
        run: the directory of the run.
        keep: how many to keep of those that are taken on schedule, of which the last of all counts as one.
        stable: the step after which one is kept in any case.
        every: steps between those on schedule.
    """
    whole = complete_checkpoints(run)
    scheduled = [saved for saved in whole if saved.step % every == 0 or saved is whole[-1]]
    kept = {saved.directory for saved in scheduled[-max(1, keep) :]}
    kept |= {saved.directory for saved in whole if saved.step == stable}
    for directory in (run / DIRECTORY).glob(f"{_PREFIX}*"):
        if directory not in kept:
            # Without its mark it is no longer a checkpoint, even if removing the rest is interrupted.
            (directory / _WHOLE).unlink(missing_ok=True)
            shutil.rmtree(directory)


def _marked(run: Path) -> list[SavedStep]:
    """The checkpoints that were whole once."""
    found = []
    for directory in (run / DIRECTORY).glob(f"{_PREFIX}*"):
        step = directory.name.removeprefix(_PREFIX)
        if step.isdecimal() and is_there(directory / _WHOLE):
            found.append(SavedStep(int(step), directory))
    return sorted(found, key=lambda saved: saved.step)


def _check(saved: SavedStep, hashed: bool) -> None:
    """Check that a checkpoint is as it was when it was whole.

    Args:
        saved: the checkpoint.
        hashed: whether to read its files, which may be large, to compare their sha256.

    Raises:
        TrainingError: a file is missing, has another size or sha256, or is of another step.
    """
    mark, state = saved.directory / _WHOLE, saved.directory / _STATE
    files = read_fields(mark, dict[str, _SavedFile], TrainingError, _REMEDY)
    if _STATE not in files:
        raise refusal(mark, TrainingError, f"is damaged at {_STATE}: it is missing", _REMEDY)
    for name, file in files.items():
        path = saved.directory / Path(name).name
        if not path.is_file():
            raise refusal(mark, TrainingError, f"names {name}, and there is no such file", _REMEDY)
        if path.stat().st_size != file.bytes or (hashed and file_hash(path) != file.sha256):
            raise refusal(path, TrainingError, "was changed since its checkpoint was taken", _REMEDY)
    content = read_object(state, TrainingError, _REMEDY)
    step = fit(state, content, _State, TrainingError, _REMEDY).global_step
    if step != saved.step:
        says = f"is damaged at global_step: expected {saved.step}, got {step}"
        raise refusal(state, TrainingError, says, _REMEDY)
