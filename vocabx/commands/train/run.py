"""The story of continued pretraining, in order: plan, text, extended model, base left alone, report."""

import gc
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from vocabx._util.extras import need
from vocabx.checkpoint.hashing import examine_tables
from vocabx.checkpoint.recorded import require_own_tables
from vocabx.checkpoint.replacing import check_not_read
from vocabx.checkpoint.staging import unfinished_of
from vocabx.commands.train.contest import (
    base_alone_limit,
    base_alone_texts,
    contest_of,
    plan_base_alone,
    score_marks,
)
from vocabx.commands.train.job import job_of, read_job, refuse_other
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.packages import check_packages
from vocabx.commands.train.part import Part, extended_part, train_part
from vocabx.commands.train.plan import TrainPlan, duration_note, make_train_plan
from vocabx.commands.train.texts import gather_texts
from vocabx.commands.train.workspace import finish, read_branch_source, refuse_other_model, run_directory
from vocabx.corpus.several import without_tag
from vocabx.progress import Progress, Quiet, Timed
from vocabx.report.training_page import render_training_page
from vocabx.training.contest import DIRECTORY as BASE_ALONE
from vocabx.training.metrics import counts_until, read_metrics
from vocabx.training.processes import Processes
from vocabx.training.record import RECORD, TrainingRecord, read_record
from vocabx.training.run_checkpoints import resumable_checkpoints
from vocabx.training.speed import speeds


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
        base_alone: whether the step is one of the base left alone.
    """

    directory: Path
    finished: bool
    step: int
    record: TrainingRecord | None
    metrics: list[dict[str, Any]]
    main: bool = True
    base_alone: bool = False

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
    deadline = None if options.stop_after is None else time.monotonic() + 60 * options.stop_after
    processes = Processes()
    timed = Timed(progress if progress is not None and processes.main else Quiet())
    given: tuple[Path | str, ...] = (
        options.directory,
        options.base,
        *map(without_tag, options.corpus),
        *options.replay,
        *options.base_text,
        *options.decay_corpus,
        options.pairs,
        options.branch_from,
    )
    check_not_read(options.out, given)
    plan = make_train_plan(options, processes.device, processes.count)
    tables = _own_tables(plan, timed)
    base = plan_base_alone(plan, processes, timed) if options.contest else None
    if base is not None:
        plan = replace(plan, beside=base.tokenizer)
    if not processes.main:
        run = unfinished_of(options.out)
        return replace(_train(plan, base, tables, run, deadline, processes, timed), main=False)
    with run_directory(options.out, options.resume, options.contest, options.force) as run:
        result = _train(plan, base, tables, run, deadline, processes, timed)
        if result.finished:
            finish(run, options.out, options.force)
            return replace(result, directory=options.out)
    return result


def _train(
    plan: TrainPlan,
    base: TrainPlan | None,
    tables: dict[str, str],
    run: Path,
    deadline: float | None,
    processes: Processes,
    timed: Timed,
) -> TrainResult:
    processes.wait()
    # What is gone on with is read before the text, which takes long.
    begun = _begun(run)
    if begun is not None:
        # All but the schedule, which the text decides: a run that is refused keeps its packed text.
        refuse_other(run, begun, job_of(plan.options, tables, begun.schedule, begun.fits))
    branched = plan.options.branch_from
    source = read_branch_source(branched) if branched else None
    if source is not None:
        refuse_other_model(source, plan.options, plan.method.name, tables)
    if processes.main:
        note = duration_note(plan.describe(*speeds(processes.device, plan.method.dtype)))
        if note:
            timed.note(note)
    texts = gather_texts(plan, base, run, processes, timed)
    part = extended_part(plan, tables, texts, run)
    if (run / RECORD).is_file() and begun is not None:
        # The extended model is trained, and the base was interrupted.
        refuse_other(run, begun, job_of(plan.options, tables, begun.schedule, begun.fits))
        stopped = None
    else:
        stopped = train_part(part, begun, source, deadline, processes, timed)
    if stopped is not None:
        return TrainResult(run, False, stopped, None, read_metrics(run))
    record = read_record(run)
    if processes.main:
        _write_page(run, record, plan)
    if base is not None:
        stopped = _train_base_alone(part, base, record, deadline, processes, timed)
        if stopped is not None:
            return TrainResult(run, False, stopped, None, read_metrics(run), base_alone=True)
        alone = read_record(run / BASE_ALONE)
        if processes.main:
            contest = contest_of(plan, base, texts, record, alone)
            record = msgspec.structs.replace(record, contest=contest)
            record.write(run)
            _write_page(run / BASE_ALONE, alone, base)
            _write_page(run, record, plan)
    return TrainResult(run, True, record.steps.steps, record if processes.main else None, read_metrics(run))


def _train_base_alone(
    extended: Part,
    base: TrainPlan,
    record: TrainingRecord,
    deadline: float | None,
    processes: Processes,
    timed: Timed,
) -> int | None:
    """Train the base left alone in a directory inside that of the extended model; see `train_part`."""
    run = extended.run / BASE_ALONE
    if (run / RECORD).is_file():
        return None
    if processes.main:
        run.mkdir(exist_ok=True)
    processes.wait()
    # The extended model's memory is needed.
    gc.collect()
    torch = need("torch", "train")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    timed.note("The base left alone is trained for as long.")
    texts = base_alone_texts(extended.plan, base, extended.texts, record.steps.steps, run, processes, timed)
    limit = base_alone_limit(base, record, texts)
    base = replace(base, options=replace(base.options, max_minutes=limit.seconds / 60))
    tables = _own_tables(base, timed)
    part = Part(base, tables, texts, run, limit, score_marks(record))
    return train_part(part, _begun(run), None, deadline, processes, timed)


def _begun(run: Path) -> Any:
    """The job of a run that has a checkpoint, None where there is none; its metrics must reach as far."""
    start = next(reversed(resumable_checkpoints(run)), None)
    if start is None:
        return None
    counts_until(run, start.step)
    return read_job(run)


def _write_page(run: Path, record: TrainingRecord, plan: TrainPlan) -> None:
    page = render_training_page(record, read_metrics(run), plan.base_language.tag)
    (run / "report.html").write_text(page, encoding="utf-8")


def _own_tables(plan: TrainPlan, progress: Progress) -> dict[str, str]:
    """The sha256 of the checkpoint's embedding matrices, checked to be finite and as recorded."""
    with progress.stage("Checking the checkpoint's embeddings"):
        tables, _ = examine_tables(plan.checkpoint)
    require_own_tables(plan.checkpoint, tables)
    return tables
