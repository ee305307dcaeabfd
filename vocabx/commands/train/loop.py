"""A training run in one process: load the model, set up transformers' Trainer, and run it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from vocabx._util.quiet import quiet_transformers
from vocabx.commands.train.hidden import hidden_of, scorer_of, unknown_bytes
from vocabx.commands.train.new_rows import alignment_of, composed_rows, seen_rows
from vocabx.commands.train.plan import TrainPlan
from vocabx.commands.train.texts import RunTexts
from vocabx.errors import BaseModelError, TrainingError
from vocabx.progress import Advance, Progress
from vocabx.training.batches import Sequences, collate
from vocabx.training.by_occurrence import OccurrenceGroup, Trained, count_labels
from vocabx.training.callbacks import Recorder, Stopper
from vocabx.training.composed_adamw import Composed
from vocabx.training.masked_loss import MaskedLoss
from vocabx.training.masked_loss import find_abilities as find_head_abilities
from vocabx.training.methods import Prepared, prepare
from vocabx.training.metrics import Metrics, counts_until
from vocabx.training.model_loss import ModelLoss, base_of, find_abilities
from vocabx.training.order import DecayOrder, Order
from vocabx.training.pace import Pace, every
from vocabx.training.processes import Processes, are_sharded
from vocabx.training.run_checkpoints import DIRECTORY, SavedStep, complete_checkpoints
from vocabx.training.schedule import Schedule
from vocabx.training.state import load_trained
from vocabx.training.stored import stored_tensor, stored_weight
from vocabx.training.trainer import Rates, VocabularyTrainer
from vocabx.training.watch import Watch


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        prepared: the trained model.
        step: the last step.
        tokens: number of tokens predicted in total.
        reason: why it ended early: "signal", "time", "another process"; "" if it is complete.
        occurrences: held-out scores of new tokens by their occurrences in training; empty in other processes
            than the first, and if nothing was scored.
    """

    prepared: Prepared
    step: int
    tokens: int
    reason: str
    occurrences: tuple[OccurrenceGroup, ...] = ()


def run_training(
    plan: TrainPlan,
    texts: RunTexts,
    pace: Pace,
    run: Path,
    start: SavedStep | None,
    deadline: float | None,
    processes: Processes,
    progress: Progress,
    fitted: Callable[[Pace], None],
) -> Ended:
    """Train from a checkpoint or from the beginning, until all steps are done or the run is interrupted.

    Args:
        plan: the plan of the run.
        texts: training and held-out texts.
        pace: the schedule of the learning rates.
        run: the directory of the run.
        start: the checkpoint to resume from, or None to begin.
        deadline: when to stop with a checkpoint, in seconds of `time.monotonic`, or None.
        processes: the processes that share the run.
        progress: receives every step.
        fitted: called when the schedule has been fitted to the speed.

    Raises:
        TrainingError: if memory ran out, or a loss is NaN or Inf.
        BaseModelError: if the checkpoint's files have no weight for a module that would be trained.
    """
    options = plan.options
    with _out_of_memory(run), quiet_transformers("train"):
        with progress.stage("Loading the model"):
            prepared, loss = _loaded(plan, start, processes.device)
        if not loss.abilities.isolates:
            progress.note("This model's attention crosses the boundaries of the documents in a sequence.")
        composed = composed_rows(plan, prepared)
        rates = Rates(
            options.rows_learning_rate,
            options.learning_rate,
            options.weight_decay,
            options.composition_learning_rate if composed else 0.0,
            options.rows_epsilon,
        )
        stopper = Stopper(pace, deadline, processes)
        with progress.stage("Training", *_length_of(plan, texts, pace)) as advance, stopper.listening():
            recorder = _recorder(plan, texts, pace, run, start, processes, progress, advance)
            trainer = _trainer(plan, loss, composed, pace.schedule, rates, run, [recorder, stopper])
            trainer.args.save_steps = every(options.save_every, pace.expected_steps or pace.schedule.steps)
            recorder.rates = lambda step: rates.at(step, pace.schedule, loss)
            recorder.report = trainer.log
            # Without a tracker it would only lengthen the history in every checkpoint.
            if options.trackers:
                recorder.report_step = trainer.log

            def follow() -> None:
                trainer.follow(pace.schedule, every(options.save_every, pace.expected_steps))
                fitted(pace)

            recorder.follow = follow
            trainer.train(resume_from_checkpoint=str(start.directory) if start else None)
        if recorder.metrics is not None:
            recorder.metrics.close()
        step, occurrences = trainer.state.global_step, tuple[OccurrenceGroup, ...]()
        if processes.main and recorder.watch is not None and not stopper.reason:
            with progress.stage("Scoring new tokens by occurrences"):
                trained = _trained(plan, recorder.sequences, step)
                occurrences = recorder.watch.by_occurrence(base_of(prepared.model), trained)
    return Ended(prepared, step, recorder.tokens, stopper.reason, occurrences)


def _loaded(plan: TrainPlan, start: SavedStep | None, device: str) -> tuple[Prepared, ModelLoss | MaskedLoss]:
    """The model to train and its loss, with what a checkpoint of the run had learned."""
    prepared = prepare(plan.options.directory, plan.method, plan.first_id, plan.options.seed, device)
    plan.checkpoint.require_unchanged()
    check_targets(plan, prepared)
    loss: Any
    if plan.objective == "causal":
        loss = ModelLoss(prepared.model, find_abilities(prepared.model), alignment_of(plan, prepared))
    else:
        loss = MaskedLoss(prepared.model, find_head_abilities(prepared.model))
    if start is not None:
        load_trained(loss, start.directory)
    if plan.method.adapts and plan.method.dtype != "float32":
        cast_by_autocast(prepared.model)
    if plan.fit.checkpointing:
        _checkpoint_activations(base_of(prepared.model))
    return prepared, loss


def _recorder(
    plan: TrainPlan,
    texts: RunTexts,
    pace: Pace,
    run: Path,
    start: SavedStep | None,
    processes: Processes,
    progress: Progress,
    advance: Advance,
) -> Recorder:
    """What follows each step: counts, held-out scores and metrics.jsonl, from where a checkpoint left off."""
    step = start.step if start else 0
    tokens, size = counts_until(run, step) if start else (0, 0)
    return Recorder(
        metrics=Metrics(run, step) if processes.main else None,
        sequences=_sequences(plan, texts, pace),
        step_sequences=plan.step_sequences,
        token_bytes=_token_bytes(plan, texts),
        progress=progress,
        advance=advance,
        watch=_watch(plan, texts, progress),
        pace=pace,
        processes=processes,
        run=run,
        tokens=tokens,
        text_bytes=size,
    )


def _token_bytes(plan: TrainPlan, texts: RunTexts) -> NDArray[np.int64]:
    """Bytes of text per id; of an encoder's unknown token, which may stand for much of the text, the mean."""
    found, unknown = plan.tokenizer.byte_lengths(plan.checkpoint.input.rows), plan.tokenizer.unknown_id
    if unknown is not None and plan.objective != "causal":
        found[unknown] = unknown_bytes(plan.tokenizer, texts.heldout)
    return found


def _sequences(plan: TrainPlan, texts: RunTexts, pace: Pace) -> Sequences:
    """The sequences of the run; those of the decay begin where the pace says."""
    count, hidden = texts.steps * plan.step_sequences, hidden_of(plan)
    hiding = None if hidden is None else hidden.hiding
    if texts.decay is None or not isinstance(texts.order, Order):
        return Sequences(texts.target, texts.replay, texts.order, count, masking=hiding)

    def begin() -> int:
        return pace.schedule.decay_text_begin * plan.step_sequences

    order = DecayOrder(texts.order, texts.decay.order, begin)
    return Sequences(texts.target, texts.replay, order, count, texts.decay.text, hiding)


def _trained(plan: TrainPlan, sequences: Sequences, steps: int) -> Trained:
    """How often each token occurred in the text of the steps of a run."""
    size = plan.step_sequences
    tokens = (sequences.tokens(range(step * size, (step + 1) * size)) for step in range(steps))
    return Trained(count_labels(tokens, plan.checkpoint.input.rows), plan.first_id)


def check_targets(plan: TrainPlan, prepared: Prepared) -> None:
    """Refuse, before the work, parameters that a merge could not find in the checkpoint's files.

    Raises:
        BaseModelError: if the files have no weight for a module, or store a parameter in another form.
    """
    directory = plan.options.directory
    for name in prepared.targets:
        if stored_weight(plan.checkpoint, name) is None:
            raise BaseModelError(
                f"{directory} stores no separate weight for {name}, so adapters on it could not be merged: "
                "pass --method rows"
            )
    if plan.method.name != "full":
        return
    model = prepared.model
    tables = {id(layer.weight) for layer in (model.get_input_embeddings(), model.get_output_embeddings())}
    for name, parameter in model.named_parameters():
        if id(parameter) not in tables and stored_tensor(plan.checkpoint, name) is None:
            raise BaseModelError(
                f"{directory} stores no separate {name}, so it could not be merged after training: pass "
                "--method lora or qlora"
            )


def cast_by_autocast(model: Any) -> None:
    """Leave casting before adapters to autocast, instead of peft's cast of each input to float32.

    The model must run under autocast afterwards.
    """
    for module in model.modules():
        if hasattr(module, "cast_input_dtype_enabled"):
            module.cast_input_dtype_enabled = False


def _trainer(
    plan: TrainPlan,
    loss: ModelLoss | MaskedLoss,
    composed: list[Composed],
    schedule: Schedule,
    rates: Rates,
    run: Path,
    callbacks: list[Any],
) -> Any:
    options, cpu = plan.options, not torch.cuda.is_available()
    arguments = transformers.TrainingArguments(
        output_dir=str(run / DIRECTORY),
        max_steps=schedule.steps,
        per_device_train_batch_size=plan.fit.batch_size,
        gradient_accumulation_steps=plan.fit.accumulation,
        max_grad_norm=options.max_grad_norm,
        bf16=plan.method.dtype == "bfloat16",
        fp16=plan.method.dtype == "float16",
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=schedule.steps,
        eval_strategy="no",
        report_to=list(options.trackers) or "none",
        disable_tqdm=True,
        log_level="error",
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        use_cpu=cpu,
        dataloader_pin_memory=not cpu,
        seed=options.seed,
        # Buffers do not train, so they are the same in every process and need no broadcast per step.
        ddp_broadcast_buffers=False,
        ddp_find_unused_parameters=False,
    )
    # Several GPUs are used with one process each; a single process uses one GPU.
    arguments._n_gpu = min(1, arguments.n_gpu)
    trainer = VocabularyTrainer(
        run=run,
        schedule=schedule,
        rates=rates,
        keep=options.keep,
        composed=composed,
        align_weight=options.align_weight,
        seen=seen_rows(plan),
        model=loss,
        args=arguments,
        data_collator=collate,
        train_dataset=callbacks[0].sequences,
        callbacks=callbacks,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def _watch(plan: TrainPlan, texts: RunTexts, progress: Progress) -> Watch | None:
    if plan.options.evaluate_every == 0:
        return None
    if are_sharded():
        progress.note("Held-out text is not scored during training with FSDP: evaluate the merged model.")
        return None
    scorer = scorer_of(plan, texts.passages(plan))
    return Watch(plan.tokenizer, texts.heldout, texts.heldout_base, plan.method.dtype, scorer)


def _length_of(plan: TrainPlan, texts: RunTexts, pace: Pace) -> tuple[float, str]:
    """The length of the stage of training, and its unit, "" for seconds."""
    if pace.limit is not None:
        return pace.limit.seconds, ""
    return texts.steps * plan.step_sequences * plan.length, "tokens"


def _checkpoint_activations(model: Any) -> None:
    settings = {"use_reentrant": False}
    if hasattr(model, "activation_checkpointing_enable"):
        model.activation_checkpointing_enable(activation_checkpointing_kwargs=settings)
    else:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=settings)


@contextmanager
def _out_of_memory(run: Path) -> Iterator[None]:
    """Turn running out of memory into one line that says what to lower."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _memory_error(run) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        raise _memory_error(run) from error


def _memory_error(run: Path) -> TrainingError:
    left = f"; {run} holds checkpoints for --resume" if complete_checkpoints(run) else ""
    return TrainingError(
        "memory ran out: lower --batch-size or --sequence-length, or pass --gradient-checkpointing or "
        "--max-memory" + left
    )
