"""The story of continued pretraining, in order: plan, text, model, steps, trained parameters, report."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vocabx._util.extras import installed, need
from vocabx._util.quiet import quiet_transformers
from vocabx._util.version import VERSION
from vocabx.checkpoint.hashing import examine_tables
from vocabx.checkpoint.manifest import file_hash
from vocabx.checkpoint.recorded import require_own_tables
from vocabx.checkpoint.staging import unfinished_of
from vocabx.commands.train.job import job_of, read_job, refuse_other, write_job
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.plan import TrainPlan, check_packages, make_train_plan
from vocabx.commands.train.texts import RunTexts, gather_texts
from vocabx.commands.train.workspace import branch, finish, read_branch_source, run_directory
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.training_page import render_training_page
from vocabx.training.metrics import METRICS, Measured, read_metrics, tokens_until
from vocabx.training.processes import Processes
from vocabx.training.record import (
    TrainedBase,
    TrainedRun,
    TrainedSchedule,
    TrainedSteps,
    TrainedText,
    TrainingRecord,
)
from vocabx.training.run_checkpoints import resumable_checkpoints
from vocabx.training.schedule import Schedule, make_schedule
from vocabx.training.state import ADAPTER, ROWS, TRAINED, save_result

_LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes", "accelerate")


@dataclass(frozen=True)
class TrainResult:
    """How a run ended.

    Attributes:
        directory: the directory of the run, which is next to its target until it is finished.
        finished: whether all steps were trained.
        step: the last step.
        record: the content of training.json, None while unfinished.
        metrics: the lines of metrics.jsonl.
        main: whether this process is the one that writes and reports.
    """

    directory: Path
    finished: bool
    step: int
    record: TrainingRecord | None
    metrics: list[dict[str, Any]]
    main: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        record = None if self.record is None else self.record.plain()
        measured = [entry for entry in self.metrics if "target_bits" in entry]
        return {
            "out": str(self.directory), "finished": self.finished, "step": self.step, "measured": measured,
            "training": record,
        }  # fmt: skip


def train(options: TrainOptions, progress: Progress | None = None) -> TrainResult:
    """Continue the pretraining of an extended checkpoint, and write the trained parameters.

    Reads and packs text, trains the new token embeddings and adapters (or whatever the method trains), and
    measures held-out text during training. The directory `options.out` appears once the run is complete;
    `merge` turns it into a checkpoint. Under `accelerate launch` or `torchrun`, every process calls this with
    the same options.

    Args:
        options: see `TrainOptions`.
        progress: receives the stages; by default nothing is shown.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
        KeyboardInterrupt: if a signal ended the run, after saving a checkpoint; its notes say how to resume.
    """
    check_packages(options)
    processes = Processes()
    timed = Timed(progress if progress is not None and processes.main else Quiet())
    plan = make_train_plan(options, processes.device, processes.count)
    tables = _own_tables(plan, timed)
    if not processes.main:
        return replace(_train(plan, tables, unfinished_of(options.out), processes, timed), main=False)
    with run_directory(options.out, options.resume) as run:
        result = _train(plan, tables, run, processes, timed)
        if result.finished:
            finish(run, options.out)
            return replace(result, directory=options.out)
    return result


def _train(
    plan: TrainPlan, tables: dict[str, str], run: Path, processes: Processes, timed: Timed
) -> TrainResult:
    with quiet_transformers("train"):
        from vocabx.commands.train.loop import run_training

    processes.wait()
    started = time.time()
    # What is gone on with is read before the text, which takes long.
    start = next(reversed(resumable_checkpoints(run)), None)
    begun = read_job(run) if start else None
    if start:
        tokens_until(run, start.step)
    source = read_branch_source(plan.options.branch_from) if plan.options.branch_from else None
    texts = gather_texts(plan, run, processes, timed)
    schedule = schedule_of(plan, texts.steps)
    job = job_of(plan.options, tables, schedule)
    if begun is not None:
        refuse_other(run, begun, job)
    elif processes.main:
        write_job(run, job)
        if source is not None:
            branch(run, source, texts.steps)
    processes.wait()
    start = next(reversed(resumable_checkpoints(run)), None)
    ended = run_training(plan, texts, schedule, run, start, processes, timed)
    if ended.reason == "signal":
        interrupted = KeyboardInterrupt()
        if not processes.main:
            interrupted.add_note(f"{run} holds the run up to step {ended.step:,}")
        raise interrupted
    if ended.reason:
        return TrainResult(run, False, ended.step, None, read_metrics(run))
    record = None
    if processes.main:
        split = ended.prepared.split
        save_result(ended.prepared.model, split.parameters if split else {}, run, str(plan.options.directory))
        record = _record(plan, tables, texts, schedule, ended, run, time.time() - started, processes.count)
        record.write(run)
        page = render_training_page(record, read_metrics(run), plan.base_language.tag)
        (run / "report.html").write_text(page, encoding="utf-8")
    return TrainResult(run, True, ended.step, record, read_metrics(run))


def schedule_of(plan: TrainPlan, steps: int) -> Schedule:
    """The schedule of a plan; rows train alone first only if adapters train, too."""
    options = plan.options
    first = options.rows_first if plan.method.adapts and plan.method.splits else 0.0
    return make_schedule(steps, first, options.warmup, options.decay)


def _own_tables(plan: TrainPlan, progress: Progress) -> dict[str, str]:
    """The sha256 of the checkpoint's embedding matrices, checked to be finite and as recorded."""
    with progress.stage("Checking the checkpoint's embeddings"):
        tables = examine_tables(plan.checkpoint)
    require_own_tables(plan.checkpoint, tables)
    return tables


def _record(
    plan: TrainPlan,
    tables: dict[str, str],
    texts: RunTexts,
    schedule: Schedule,
    ended: Any,
    run: Path,
    seconds: float,
    processes: int,
) -> TrainingRecord:
    options, measured = plan.options, [entry for entry in read_metrics(run) if "target_bits" in entry]
    trained = [run / ROWS, run / TRAINED, *sorted((run / ADAPTER).glob("*"))]
    return TrainingRecord(
        version=VERSION,
        method=plan.method,
        base=TrainedBase(str(options.directory.absolute()), tables),
        language=plan.language.tag,
        first_id=plan.first_id,
        rows=plan.checkpoint.input.rows,
        tied=plan.checkpoint.tied,
        targets=ended.prepared.targets,
        text=TrainedText(
            corpus=plan.source.description,
            replay=plan.replay.description if plan.replay else "",
            replay_share=texts.order.replay_share,
            sequence_length=plan.length,
            sequences=texts.order.target_subset,
            replay_sequences=texts.order.replay,
            heldout_bytes=sum(len(passage.encode()) for passage in texts.heldout),
        ),
        steps=TrainedSteps(ended.step, plan.step_sequences, ended.tokens),
        schedule=TrainedSchedule(
            **schedule.plain(),
            learning_rate=options.learning_rate,
            rows_learning_rate=options.rows_learning_rate,
            weight_decay=options.weight_decay,
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
    )


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    torch = need("torch", "train")
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {"device": device, **{name: version(name) for name in _LIBRARIES if installed(name)}}
