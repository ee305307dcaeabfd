"""The story of `vocabx mixture`, in order: plan, one short training for each share, the laws, the page."""

import gc
from dataclasses import dataclass
from pathlib import Path

import msgspec

from vocabx._util.version import VERSION
from vocabx.checkpoint.grow import write_json
from vocabx.commands.mixture.options import MixtureOptions
from vocabx.commands.mixture.plan import (
    MixturePlan,
    check_mixture_packages,
    make_mixture_plan,
    remove_checkpoints,
)
from vocabx.commands.train.run import train
from vocabx.errors import TrainingError
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.mixture_page import render_mixture
from vocabx.training.duration import described
from vocabx.training.mixture_study import Asked, MixtureStudy, ShortRun, study_of
from vocabx.training.processes import Processes
from vocabx.training.record import read_record
from vocabx.training.speed import speeds

NUMBERS, PAGE = "mixture.json", "mixture.html"


@dataclass(frozen=True)
class MixtureResult:
    """A finished study: its directory and its numbers."""

    directory: Path
    study: MixtureStudy


def fit_mixture(options: MixtureOptions, progress: Progress | None = None) -> MixtureResult:
    """Train with several shares of replay, and say what others would do.

    Each run is one of `train`, in a directory of its own in `options.out`. Finished ones are kept, so an
    interrupted study goes on with `resume`, and further shares can be added to it.

    Args:
        options: see `MixtureOptions`.
        progress: receives the stages; by default nothing is shown.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
        KeyboardInterrupt: if a signal ended a run, after saving a checkpoint.
    """
    timed = Timed(progress or Quiet())
    check_mixture_packages(options)
    processes = Processes()
    plan = make_mixture_plan(options, processes.device)
    if plan.train.base_source is None:
        raise TrainingError("there is no text in the base's language to measure on: pass --replay")
    whole = plan.describe(*speeds(processes.device, plan.train.method.dtype))
    left = [run for run in plan.runs if not run.finished]
    if left:
        timed.note(f"{len(left)} short trainings take {described(whole['estimated_seconds'])}.")
    for number, run in enumerate(left, 1):
        timed.note(f"Run {number} of {len(left)}: {run.options.replay_share:g} replay.")
        train(run.options, timed)
        remove_checkpoints(run.options.out)
        # The memory of one model is needed by the next.
        gc.collect()
    with timed.stage("Fitting the laws"):
        study = _study(plan)
    write_json(options.out / NUMBERS, study.plain())
    (options.out / PAGE).write_text(render_mixture(study), encoding="utf-8")
    return MixtureResult(options.out, study)


def _study(plan: MixturePlan) -> MixtureStudy:
    options = plan.options
    runs = [_short_run(run.options.out, run.fitted) for run in plan.runs]
    asked = Asked(options.tolerance, plan.target_tokens, options.seed)
    found = study_of(runs, asked)
    return MixtureStudy(
        version=VERSION,
        command=options.command,
        checkpoint=str(options.directory),
        language=plan.train.language.tag,
        base_language=plan.train.base_language.tag,
        tolerance=options.tolerance,
        base_before=runs[0].base_before,
        target_tokens=plan.target_tokens,
        runs=tuple(runs),
        **msgspec.structs.asdict(found),
    )


def _short_run(directory: Path, fitted: bool) -> ShortRun:
    record = read_record(directory)
    if any(one.base_bits is None for one in record.measured) or len(record.measured) < 2:
        raise TrainingError(f"{directory} has no scores of the base's language: remove it, and run again")
    return ShortRun(record.text.replay_share, str(directory), record.measured, record.schedule.warmup, fitted)
