"""job.json: what decides the numbers of a run that may be gone on with, and so which run it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from vocabx._util.json_file import Written, read_fields
from vocabx._util.shorten import shortened
from vocabx.checkpoint.grow import write_json
from vocabx.commands.train.options import TrainOptions
from vocabx.errors import OutputError, TrainingError
from vocabx.training.pace import SpeedFit
from vocabx.training.schedule import Schedule

JOB = "job.json"
# Options that do not decide what is learned: a resumed run may change them.
_FREE = {
    "out", "resume", "branch_from", "stop_after", "batch_size", "max_memory", "gradient_checkpointing",
    "keep", "save_every", "evaluate_every", "report_to", "command", "contest", "base", "force",
}  # fmt: skip
_LONGEST_SHOWN = 40


def _fields() -> list[tuple[str, Any]]:
    options = {name: kind for name, kind in get_type_hints(TrainOptions).items() if name not in _FREE}
    # As it was given: the same run may be gone on with by another name of its directory.
    others = {"tables": dict[str, str], "schedule": Schedule, "fits": tuple[SpeedFit, ...]}
    return [*(options | {"directory": str} | others).items()]


# The options that decide, and beside them the sha256 of the base's `tables`, the `schedule`, and the `fits`
# to the speed that changed it so far.
Job: Any = msgspec.defstruct("Job", _fields(), bases=(Written,), module=__name__)


def job_of(
    options: TrainOptions, tables: Mapping[str, str], schedule: Schedule, fits: Sequence[SpeedFit] = ()
) -> Any:
    """The job of a run: a `Job`.

    Args:
        options: what was asked, with every default filled in.
        tables: sha256 of the base's embedding matrices by tensor name.
        schedule: of the learning rates, as far as it is known.
        fits: what it was fitted to so far, if the run has a time limit.
    """
    named = {name: getattr(options, name) for name in Job.__struct_fields__ if hasattr(options, name)}
    others = {"tables": tables, "schedule": schedule, "fits": tuple(fits)}
    return Job(**{**named, "directory": str(options.directory), **others})


def write_job(run: Path, job: Any) -> None:
    """Write job.json into the directory of a run."""
    write_json(run / JOB, job.plain())


def read_job(run: Path) -> Any:
    """The `Job` of an unfinished run.

    Raises:
        TrainingError: its job.json is missing or damaged.
    """
    return read_fields(run / JOB, Job, TrainingError, "restore it, or remove its directory and train again")


def refuse_other(run: Path, begun: Any, job: Any) -> None:
    """Refuse to go on with a run as another.

    Raises:
        OutputError: the run was begun as another; the message says in what they differ.
    """
    for name in Job.__struct_fields__:
        before, now = getattr(begun, name), getattr(job, name)
        if before != now:
            raise OutputError(
                f"{run} was begun with another {name} ({_shown(before)}, now {_shown(now)}) and cannot be "
                "resumed with this one: pass the same again, or remove it"
            )


def _shown(value: Any) -> str:
    return shortened(repr(value), _LONGEST_SHOWN)
