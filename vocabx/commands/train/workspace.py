"""The directory of a run: next to its target while unfinished, with a record of the job it belongs to.

It is renamed to its target once the run is complete. Until then, its complete checkpoints survive any crash.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vocabx.checkpoint.journal import Journal
from vocabx.checkpoint.staging import check_free, put, unfinished_of
from vocabx.commands.train.texts import DIRECTORY as TEXT
from vocabx.errors import OutputError, TrainingError
from vocabx.training.metrics import METRICS
from vocabx.training.run_checkpoints import DIRECTORY, checkpoint_of, complete_checkpoints, mark_complete

_JOB = "job.json"


@contextmanager
def run_directory(target: Path, resume: bool) -> Iterator[Path]:
    """Yield the unfinished directory of a run, locked against other runs on this machine.

    The block calls `finish` once the run is complete. On an error, the directory stays if it holds a complete
    checkpoint, with a note that says so; otherwise it is removed.

    Raises:
        OutputError: if the target exists, another run writes there, or an earlier run left checkpoints there
            and `resume` is not set.
    """
    check_free(target)
    scratch = unfinished_of(target)
    if complete_checkpoints(scratch) and not resume:
        raise OutputError(f"{scratch} was left by an earlier run: pass --resume to continue it, or remove it")
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        journal = Journal(scratch)
    except OSError as error:
        raise OutputError(f"cannot write to {target}: {error.strerror}; choose another --out") from None
    try:
        if not resume:
            journal.clear()
        yield scratch
    except BaseException as error:
        _give_up(scratch, target, error)
        raise
    finally:
        journal.close()


def finish(scratch: Path, target: Path) -> None:
    """Rename a complete run to its target. Its packed text is removed, since it can be regenerated."""
    shutil.rmtree(scratch / TEXT, ignore_errors=True)
    (scratch / _JOB).unlink(missing_ok=True)
    put(scratch, target.absolute())


def begin(scratch: Path, job: Mapping[str, Any]) -> None:
    """Record the job that a directory belongs to; if it holds a checkpoint, it must be of the same job.

    Raises:
        OutputError: if it was begun with another job.
    """
    path = scratch / _JOB
    wanted = json.loads(json.dumps(job))
    if complete_checkpoints(scratch):
        begun = json.loads(path.read_text(encoding="utf-8"))
        for name in wanted | begun:
            if begun.get(name) != wanted.get(name):
                raise OutputError(
                    f"{scratch} was begun with another {name} ({begun.get(name)!r}, now "
                    f"{wanted.get(name)!r}) and cannot be resumed with this one: pass the same again, or "
                    "remove it"
                )
        return
    path.write_text(json.dumps(wanted, ensure_ascii=False, indent=2), encoding="utf-8")


def branch(scratch: Path, other: Path, steps: int) -> None:
    """Copy the last checkpoint of another run from before its learning rates decayed.

    Raises:
        TrainingError: if it has none, or only one after the end of this run.
    """
    run = other if other.is_dir() else unfinished_of(other)
    found = [saved for saved in complete_checkpoints(run) if saved.step < steps]
    stable = _stable_end(run)
    found = [saved for saved in found if stable is None or saved.step <= stable]
    if not found:
        raise TrainingError(
            f"{other} holds no checkpoint from before its learning rates decayed and before step {steps}: "
            "pass a run of vocabx train, and a larger --max-steps"
        )
    saved = found[-1]
    target = checkpoint_of(scratch, saved.step)
    shutil.rmtree(scratch / DIRECTORY, ignore_errors=True)
    shutil.copytree(saved.directory, target)
    shutil.copyfile(run / METRICS, scratch / METRICS)
    mark_complete(target)


def _stable_end(run: Path) -> int | None:
    for name in ("training.json", _JOB):
        try:
            content = json.loads((run / name).read_text(encoding="utf-8"))
            return int(content["schedule"]["steps"]) - int(content["schedule"]["decay"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _give_up(scratch: Path, target: Path, error: BaseException) -> None:
    complete = complete_checkpoints(scratch)
    if not complete:
        shutil.rmtree(scratch, ignore_errors=True)
        return
    step = complete[-1].step
    advice = f"{scratch} holds the run up to step {step:,}; the same command with --resume continues it"
    full = isinstance(error, OSError) and error.errno is not None
    if full:
        raise OutputError(
            f"writing {target} failed: {getattr(error, 'strerror', error)}; make room: {advice}"
        )
    # These errors would recur if the run were resumed as it is.
    if not isinstance(error, OutputError | TrainingError):
        error.add_note(advice)
