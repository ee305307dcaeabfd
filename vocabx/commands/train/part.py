"""One training of a run: the extended model's, or that of the base left alone, from its job to its record."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.extras import installed, need
from vocabx._util.quiet import quiet_transformers
from vocabx._util.version import VERSION
from vocabx.checkpoint.manifest import file_hash
from vocabx.commands.train.job import job_of, refuse_other, write_job
from vocabx.commands.train.plan import TrainPlan
from vocabx.commands.train.texts import RunTexts
from vocabx.commands.train.workspace import BranchSource, branch
from vocabx.errors import TrainingError
from vocabx.progress import Timed
from vocabx.training.metrics import METRICS, Measured, counts_until, read_metrics, step_seconds
from vocabx.training.order import Order
from vocabx.training.pace import Pace, SpeedFit, TimeLimit, early_scores, every
from vocabx.training.processes import Processes
from vocabx.training.record import (
    TrainedBase,
    TrainedRun,
    TrainedSchedule,
    TrainedSteps,
    TrainedText,
    TrainingRecord,
)
from vocabx.training.run_checkpoints import SavedStep, resumable_checkpoints
from vocabx.training.schedule import Schedule, make_schedule
from vocabx.training.state import ADAPTER, ROWS, TRAINED, gathered, save_result

_LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes", "accelerate")
# Scores of a run whose number of steps is not known.
_SCORES = 10


@dataclass(frozen=True)
class Part:
    """A training to be done.

    Attributes:
        plan: its plan.
        tables: sha256 of the embedding matrices of its checkpoint, by tensor name.
        texts: what it trains on and is measured on.
        run: its directory.
        limit: how long it trains; None for a number of steps that `texts` gives.
        marks: seconds of training after which held-out text is scored; empty if steps decide.
    """

    plan: TrainPlan
    tables: dict[str, str]
    texts: RunTexts
    run: Path
    limit: TimeLimit | None
    marks: Sequence[float]


def extended_part(plan: TrainPlan, tables: dict[str, str], texts: RunTexts, run: Path) -> Part:
    """The training of the extended model."""
    options, schedule = plan.options, schedule_of(plan, texts.steps)
    if options.max_minutes is None:
        return Part(plan, tables, texts, run, None, ())
    first = options.rows_first if _rows_first(plan) else 0.0
    limit = TimeLimit(
        60 * options.max_minutes,
        schedule.steps,
        first,
        options.warmup,
        options.decay,
        shape=schedule.shape,
        half_life=schedule.half_life,
    )
    later = [limit.seconds * i / _SCORES for i in range(1, _SCORES)]
    marks = [*early_scores(later[0]), *later]
    return Part(plan, tables, texts, run, limit, () if options.evaluate_every else marks)


def train_part(
    part: Part,
    begun: Any,
    source: BranchSource | None,
    deadline: float | None,
    processes: Processes,
    timed: Timed,
) -> int | None:
    """Train it, from its last checkpoint if there is one, and write its result and its record.

    Args:
        part: what to train.
        begun: the job of the run that is resumed, None if it begins.
        source: the run that it branches from, or None.
        deadline: when to stop with a checkpoint, in seconds of `time.monotonic`, or None.
        processes: the processes that share it.
        timed: receives the stages.

    Returns:
        The step after which it was stopped by a time limit, None if it is complete.

    Raises:
        OutputError: the run was begun as another.
        TrainingError: see `run_training`.
        KeyboardInterrupt: if a signal ended it, after saving a checkpoint.
    """
    with quiet_transformers("train"):
        from vocabx.commands.train.loop import run_training
        from vocabx.training.model_loss import base_of

    started = time.time()
    plan, run, options = part.plan, part.run, part.plan.options
    pace, start = _begun(part, begun, source, processes)

    def fitted(pace: Pace) -> None:
        if processes.main:
            write_job(run, job_of(options, part.tables, pace.schedule, pace.fits))
        timed.note(_said(pace))

    ended = run_training(plan, part.texts, pace, run, start, deadline, processes, timed, fitted)
    if ended.reason == "signal":
        interrupted = KeyboardInterrupt()
        if not processes.main:
            interrupted.add_note(f"{run} holds the run up to step {ended.step:,}")
        raise interrupted
    if ended.reason:
        return int(ended.step)
    model, whole = ended.prepared.model, gathered(ended.prepared.model)
    if processes.main:
        from vocabx.training.split_table import parts_of

        parts = parts_of(base_of(model), ended.prepared.split)
        save_result(model, parts, run, str(options.directory), whole)
        _record(part, pace, ended, time.time() - started, processes.count).write(run)
    processes.wait()
    return None


def _begun(
    part: Part, begun: Any, source: BranchSource | None, processes: Processes
) -> tuple[Pace, SavedStep | None]:
    """Its pace, and the checkpoint it goes on from, None if it begins; its job is checked or written.

    Raises:
        OutputError: the run was begun as another.
        TrainingError: the base left alone cannot be compared with what the run recorded.
    """
    plan, run, options = part.plan, part.run, part.plan.options
    fits: tuple[SpeedFit, ...] = ()
    schedule = schedule_of(plan, part.texts.steps) if part.limit is None else part.limit.opening
    if begun is not None and part.limit is not None:
        schedule, fits = begun.schedule, begun.fits
    job = job_of(options, part.tables, schedule, fits)
    if begun is not None:
        refuse_other(run, begun, job)
    elif processes.main:
        write_job(run, job)
        if source is not None:
            branch(run, source, schedule)
    processes.wait()
    start = next(reversed(resumable_checkpoints(run)), None)
    if options.contest and start is not None and counts_until(run, start.step)[1] is None:
        raise TrainingError(
            "the run it goes on from does not record how many bytes it has read, as it is of an earlier "
            "version: omit --contest"
        )
    between = every(options.evaluate_every, schedule.steps)
    pace = Pace(
        schedule,
        part.limit,
        fits,
        step_seconds(run, start.step) if start else (),
        0 if part.marks else between,
        part.marks,
        [] if part.marks or options.evaluate_every is not None else [*map(int, early_scores(between))],
    )
    return pace, start


def schedule_of(plan: TrainPlan, steps: int) -> Schedule:
    """The schedule of a plan; rows train alone first only if adapters train, too."""
    options = plan.options
    first = options.rows_first if _rows_first(plan) else 0.0
    return make_schedule(
        steps, first, options.warmup, options.decay, options.decay_shape, options.decay_half_life or 0
    )


def _rows_first(plan: TrainPlan) -> bool:
    return plan.method.adapts and plan.method.splits


def _said(pace: Pace) -> str:
    fit = pace.fits[-1]
    if pace.open:
        return f"{fit.seconds_per_step:.3g} seconds per step: about {fit.steps:,} steps in the given time"
    return f"The decay begins after step {fit.step:,} and ends after step {fit.steps:,}"


def _record(part: Part, pace: Pace, ended: Any, seconds: float, processes: int) -> TrainingRecord:
    plan, texts, run, options = part.plan, part.texts, part.run, part.plan.options
    measured = [entry for entry in read_metrics(run) if "target_bits" in entry]
    trained = [run / ROWS, run / TRAINED, *sorted((run / ADAPTER).glob("*"))]
    return TrainingRecord(
        version=VERSION,
        method=plan.method,
        base=TrainedBase(str(options.directory.absolute()), part.tables),
        language=plan.language.tag,
        first_id=plan.first_id,
        rows=plan.checkpoint.input.rows,
        tied=plan.checkpoint.tied,
        targets=ended.prepared.targets,
        text=TrainedText(
            corpus=texts.described or plan.source.description,
            replay=plan.replay.description if plan.replay else "",
            replay_share=texts.order.replay_share,
            sequence_length=plan.length,
            sequences=texts.order.target_subset,
            replay_sequences=texts.order.replay,
            heldout_bytes=sum(len(passage.encode()) for passage in texts.heldout),
            measured=plan.measured_source.description if plan.measured_source else "",
            passes=_passes(plan, texts, pace),
            **_of_decay(plan, texts),
        ),
        steps=TrainedSteps(ended.step, plan.step_sequences, ended.tokens),
        schedule=TrainedSchedule(
            **pace.schedule.plain(),
            learning_rate=options.learning_rate,
            rows_learning_rate=options.rows_learning_rate,
            weight_decay=options.weight_decay,
            **_of_rows(plan),
        ),
        measured=tuple(Measured(**entry) for entry in measured),
        seed=options.seed,
        files={str(path.relative_to(run)): file_hash(path) for path in trained if path.is_file()},
        run=TrainedRun(
            command=options.command,
            seconds=round(seconds, 1),
            processes=processes,
            batch_size=plan.fit.batch_size,
            accumulation=plan.fit.accumulation,
            versions=_versions(),
            metrics=file_hash(run / METRICS),
        ),
        fits=pace.fits,
        sketch=texts.sketch,
        occurrences=ended.occurrences,
        objective=plan.objective,
        mask=options.mask if plan.objective == "masked" else "",
        pairs=options.pairs,
    )


def _passes(plan: TrainPlan, texts: RunTexts, pace: Pace) -> float:
    """How often the target text was passed over, until the text of the decay if there is one."""
    schedule = pace.schedule
    steps = schedule.steps if texts.decay is None else min(schedule.decay_text_begin, schedule.steps)
    sequences = steps * plan.step_sequences
    replayed = texts.order.replays_before(sequences) if isinstance(texts.order, Order) else 0
    return round((sequences - replayed) / max(1, texts.order.target_subset), 3)


def _of_decay(plan: TrainPlan, texts: RunTexts) -> dict[str, Any]:
    """The text of the decay, as far as it has one of its own; see `TrainedText`."""
    if texts.decay is None or plan.decay_source is None:
        return {}
    order = texts.decay.order
    return {
        "decay_corpus": plan.decay_source.description,
        "decay_replay_share": order.replay_share,
        "decay_sequences": order.target,
    }


def _of_rows(plan: TrainPlan) -> dict[str, Any]:
    """How new rows trained, as far as there are any; see `TrainedSchedule`."""
    options = plan.options
    if plan.first_id >= plan.checkpoint.input.rows or not plan.method.splits:
        return {}
    rate = options.composition_learning_rate if options.composition else 0.0
    return {
        "rows_epsilon": options.rows_epsilon,
        "rows_update": "seen" if plan.waits_for_tokens else "all",
        "composition": options.composition,
        "composition_learning_rate": rate,
        "align_weight": options.align_weight,
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    torch = need("torch", "train")
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {"device": device, **{name: version(name) for name in _LIBRARIES if installed(name)}}
