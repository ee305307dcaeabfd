"""The directory of a run: next to its target while unfinished, with a record of the job it belongs to.

It is renamed to its target once the run is complete. Until then, its complete checkpoints survive any crash.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.json_file import is_there
from vocabx._util.options import flag
from vocabx.checkpoint.journal import Journal
from vocabx.checkpoint.staging import (
    NOTHING_LEFT,
    check_free,
    failed,
    missing_parents,
    put,
    reason_of,
    remove_empty,
    remove_unused,
    unfinished_of,
    writable,
)
from vocabx.commands.train.job import JOB, read_job
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.texts import DIRECTORY as TEXT
from vocabx.errors import OutputError, TrainingError
from vocabx.training.contest import DIRECTORY as BASE_ALONE
from vocabx.training.metrics import METRICS, counts_until
from vocabx.training.record import RECORD, read_record
from vocabx.training.run_checkpoints import (
    DIRECTORY,
    SavedStep,
    complete_checkpoints,
    resumable_checkpoints,
    take_over,
)
from vocabx.training.schedule import Schedule


@contextmanager
def run_directory(target: Path, resume: bool, contest: bool = False, force: bool = False) -> Iterator[Path]:
    """Yield the unfinished directory of a run, locked against other runs on this machine.

    The block calls `finish` once the run is complete. On an error, the directory stays if it holds a complete
    checkpoint, with a note that says so; otherwise it is removed. A finished run that is resumed for a
    contest becomes unfinished again, unless it is refused before the base is trained. With `force`, a target
    that vocabx wrote may exist.

    Raises:
        OutputError: if the target exists, another run writes there, or an earlier run left checkpoints there
            and `resume` is not set.
        TrainingError: a checkpoint of an earlier run was damaged.
    """
    scratch = unfinished_of(target)
    reopened = resume and contest and not scratch.exists() and _lacks_contest(target)
    if not reopened:
        check_free(target, force=force)
    if resumable_checkpoints(scratch) and not resume:
        raise OutputError(f"{scratch} was left by an earlier run: pass --resume to continue it, or remove it")
    made = missing_parents(target.absolute())
    journal = None
    # From the first directory on, since a signal may come at any moment.
    try:
        with writable(target):
            if reopened:
                target.rename(scratch)
            scratch.mkdir(parents=True, exist_ok=True)
            journal = Journal(scratch)
        if not resume:
            journal.clear()
        yield scratch
    except BaseException as error:
        if reopened and scratch.exists() and not complete_checkpoints(scratch / BASE_ALONE):
            finish(scratch, target)
        elif journal is None:
            remove_unused(scratch)
            remove_empty(made)
        else:
            _give_up(scratch, target, made, error)
        raise
    finally:
        if journal is not None:
            journal.close()


def finish(scratch: Path, target: Path, force: bool = False) -> None:
    """Rename a complete run to its target, which `force` overwrites; see `put`.

    Its packed text is removed, since it can be regenerated.
    """
    for run in (scratch, scratch / BASE_ALONE):
        shutil.rmtree(run / TEXT, ignore_errors=True)
    # The job of the extended model stays, for a contest later on.
    (scratch / BASE_ALONE / JOB).unlink(missing_ok=True)
    if not (scratch / BASE_ALONE / RECORD).is_file():
        shutil.rmtree(scratch / BASE_ALONE, ignore_errors=True)
    put(scratch, target.absolute(), force)


@dataclass(frozen=True)
class BranchSource:
    """The run that another one branches from.

    Attributes:
        name: as the user gave it.
        directory: where it is.
        saved: its complete checkpoints from before its learning rates decayed.
    """

    name: str
    directory: Path
    saved: tuple[SavedStep, ...]


def read_branch_source(name: str) -> BranchSource:
    """Find the run that is to be branched from, and check what will be taken over from it.

    Raises:
        TrainingError: it was damaged, or holds no such checkpoint.
    """
    run = Path(name) if Path(name).is_dir() else unfinished_of(Path(name))
    stable = _stable_end(run)
    found = [saved for saved in resumable_checkpoints(run) if stable is None or saved.step <= stable]
    if not found:
        raise TrainingError(
            f"{name} holds no checkpoint from before its learning rates decayed: pass a run of vocabx train"
        )
    counts_until(run, found[-1].step)
    return BranchSource(name, run, tuple(found))


def refuse_other_model(
    source: BranchSource, options: TrainOptions, method: str, tables: Mapping[str, str]
) -> None:
    """Refuse to branch from a run whose trained parameters do not fit this one, or mean something else in it.

    Args:
        source: the run that is branched from.
        options: those of the new run.
        method: how it is trained, with "auto" resolved.
        tables: sha256 of its base's embedding matrices by tensor name.

    Raises:
        TrainingError: it trained something else; the message says in what they differ.
    """
    if not is_there(source.directory / JOB):
        return
    job = read_job(source.directory)
    if job.tables != tables:
        raise TrainingError(
            f"{source.name} trained another checkpoint than {options.directory}: pass the one that it trained"
        )
    before, now = _trained(job, method), _trained(options, method)
    for name, value in before.items():
        if value != now[name]:
            raise TrainingError(
                f"{source.name} was trained with {flag(name)} {value}, and not {now[name]}: pass the same, "
                "or train from the beginning without --branch-from"
            )


def _trained(options: Any, method: str) -> dict[str, Any]:
    """What decides which parameters a run trains, and what they mean, from its options or its job."""
    name = method if options.method == "auto" else options.method
    found = {
        "method": name,
        "new_rows": options.new_rows,
        "rows_update": options.rows_update,
        "composition": options.composition,
    }
    if name not in ("lora", "qlora"):
        return found
    alpha = 2.0 * options.lora_rank if options.lora_alpha is None else options.lora_alpha
    return {
        **found,
        "lora_rank": options.lora_rank,
        "lora_alpha": alpha,
        "lora_tables": options.lora_tables,
    }


def branch(scratch: Path, source: BranchSource, schedule: Schedule) -> None:
    """Take over the last checkpoint of another run from before the rates of either decay.

    Args:
        scratch: the directory of the new run.
        source: the run that it branches from.
        schedule: of the new run, as far as it is known.

    Raises:
        TrainingError: if it has none, or only one after the beginning of this run's decay.
    """
    last = min(schedule.stable_end, schedule.steps - 1)
    found = [saved for saved in source.saved if saved.step <= last]
    if not found:
        raise TrainingError(
            f"{source.name} holds no checkpoint up to step {last:,}, after which learning rates decay here, "
            f"but one of step {source.saved[0].step:,}: pass a larger --max-steps, or a smaller --decay"
        )
    counts_until(source.directory, found[-1].step)
    shutil.rmtree(scratch / DIRECTORY, ignore_errors=True)
    shutil.copyfile(source.directory / METRICS, scratch / METRICS)
    take_over(found[-1], scratch)


def _lacks_contest(target: Path) -> bool:
    """Whether there is a finished run whose base was not trained."""
    finished = (target / RECORD).is_file() and (target / JOB).is_file()
    return finished and not (target / BASE_ALONE / RECORD).is_file()


def _stable_end(run: Path) -> int | None:
    """The step before which no rate of a run falls, None where nothing says so."""
    if is_there(run / RECORD):
        return read_record(run).schedule.stable_end
    if is_there(run / JOB):
        end: int = read_job(run).schedule.stable_end
        return end
    return None


def _give_up(scratch: Path, target: Path, made: list[Path], error: BaseException) -> None:
    complete = complete_checkpoints(scratch)
    reason = reason_of(error)
    if not complete:
        shutil.rmtree(scratch, ignore_errors=True)
        remove_empty(made)
        if reason:
            raise failed(target, reason, NOTHING_LEFT) from None
        return
    step = complete[-1].step
    advice = f"{scratch} holds the run up to step {step:,}; the same command with --resume continues it"
    if reason:
        raise failed(target, reason, f"make room: {advice}") from None
    # These errors would recur if the run were resumed as it is.
    if not isinstance(error, OutputError | TrainingError):
        error.add_note(advice)
