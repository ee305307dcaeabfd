"""The directory of a run: beside its target while it is unfinished, with what says of which run it is.

It takes its target's name when the run is whole. Until then whole checkpoints in it survive whatever happens.
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
from vocabx.training.run_checkpoints import DIRECTORY, checkpoint_of, mark_whole, whole_checkpoints

_JOB = "job.json"


@contextmanager
def run_directory(target: Path, resume: bool) -> Iterator[Path]:
    """Yield the unfinished directory of a run, which no other run of this machine may write meanwhile.

    The block calls `finish` when the run is whole. An error leaves the directory where a checkpoint in it is
    whole, and says so; otherwise nothing is left.

    Raises:
        OutputError: the target is taken, another run writes there, or an earlier one left checkpoints there
            and `resume` is not set.
    """
    check_free(target)
    scratch = unfinished_of(target)
    if whole_checkpoints(scratch) and not resume:
        raise OutputError(
            f"{scratch} is what an earlier run left: pass --resume to go on with it, or remove it"
        )
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
    """Give a whole run its name. Its packed text goes, which can be made again."""
    shutil.rmtree(scratch / TEXT, ignore_errors=True)
    (scratch / _JOB).unlink(missing_ok=True)
    put(scratch, target.absolute())


def begin(scratch: Path, job: Mapping[str, Any]) -> None:
    """Say of which run a directory is; where it holds a checkpoint, it must be of that run already.

    Raises:
        OutputError: it was begun as another run.
    """
    path = scratch / _JOB
    wanted = json.loads(json.dumps(job))
    if whole_checkpoints(scratch):
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
    """Take over the last checkpoint of another run from before its learning rates fell.

    Raises:
        TrainingError: it has none, or only one that lies behind the end of this run.
    """
    run = other if other.is_dir() else unfinished_of(other)
    found = [saved for saved in whole_checkpoints(run) if saved.step < steps]
    stable = _stable_end(run)
    found = [saved for saved in found if stable is None or saved.step <= stable]
    if not found:
        raise TrainingError(
            f"{other} holds no checkpoint from before its learning rates fell and before step {steps}: pass "
            "a run of vocabx train, and a --max-steps beyond it"
        )
    saved = found[-1]
    place = checkpoint_of(scratch, saved.step)
    shutil.rmtree(scratch / DIRECTORY, ignore_errors=True)
    shutil.copytree(saved.directory, place)
    shutil.copyfile(run / METRICS, scratch / METRICS)
    mark_whole(place)


def _stable_end(run: Path) -> int | None:
    for name in ("training.json", _JOB):
        try:
            content = json.loads((run / name).read_text(encoding="utf-8"))
            return int(content["schedule"]["steps"]) - int(content["schedule"]["decay"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _give_up(scratch: Path, target: Path, error: BaseException) -> None:
    whole = whole_checkpoints(scratch)
    if not whole:
        shutil.rmtree(scratch, ignore_errors=True)
        return
    advice = (
        f"{scratch} holds the run up to step {whole[-1].step:,}, and the same command with --resume goes on"
    )
    full = isinstance(error, OSError) and error.errno is not None
    if full:
        raise OutputError(
            f"writing {target} failed: {getattr(error, 'strerror', error)}; make room: {advice}"
        )
    # A run that went wrong by itself would go wrong again.
    if not isinstance(error, OutputError | TrainingError):
        error.add_note(advice)
