"""The base left alone, trained beside the extended model: its plan, its text, and the comparison."""

import json
import math
from dataclasses import replace
from pathlib import Path

from vocabx._util.json_file import Count, Written, read_fields
from vocabx._util.shorten import shortened
from vocabx.checkpoint.base import Base, find_base
from vocabx.checkpoint.factorised import refuse_factorised
from vocabx.checkpoint.manifest import Manifest
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.recorded import require_base
from vocabx.commands.train.plan import TrainPlan
from vocabx.commands.train.texts import DIRECTORY as TEXT
from vocabx.commands.train.texts import RunTexts, ends_of, texts_of_base
from vocabx.errors import BaseModelError, TrainingError, VocabxError
from vocabx.evaluation.fertility import count_tokens
from vocabx.progress import Progress
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.training.contest import DIRECTORY, Contest, Contestant, compare_contestants
from vocabx.training.masked_head import require_head
from vocabx.training.metrics import Measured
from vocabx.training.model_sizes import sizes_of
from vocabx.training.order import Order, StoredOrder
from vocabx.training.pace import TimeLimit
from vocabx.training.packed import PackedText
from vocabx.training.processes import Processes, are_sharded
from vocabx.training.record import TrainingRecord
from vocabx.training.repack import OrderedText, Tokenization, repacked_text

# The base's steps may be faster, and it must not run out of text before the time is over.
_RESERVE = 1.5
_MOST_STEPS = 100


class _Packed(Written, frozen=True):
    """The mark that the base's text is packed completely."""

    sequences: Count


def plan_base_alone(plan: TrainPlan, processes: Processes, progress: Progress) -> TrainPlan:
    """The plan of the base left alone: the same options, without new rows.

    Args:
        plan: of the extended model.
        processes: the first one finds, and perhaps unpacks, the base.
        progress: receives that.

    Raises:
        VocabxError: the base is not found, or is not the one that was extended; or scores cannot be compared.
    """
    options = plan.options
    if are_sharded():
        raise TrainingError(
            "--contest compares held-out scores, which are not taken during training with FSDP: omit it"
        )
    if plan.method.name == "rows":
        raise TrainingError("--contest trains the base too, and --method rows trains none of it: pass lora")
    if not processes.main:
        processes.wait()
    base = _find(plan, progress)
    if processes.main:
        processes.wait()
    checkpoint = read_checkpoint(base.directory)
    with progress.stage("Checking the base's embeddings"):
        require_base(options.directory, checkpoint)
    refuse_factorised(checkpoint, "--contest")
    if plan.manifest.training is not None:
        progress.note(
            f"{options.directory} was trained before, and its base was not: that time does not count."
        )
    changed = replace(
        options, directory=base.directory, out=options.out / DIRECTORY, rows_first=0.0, branch_from="",
        contest=False, base="", max_steps=None, epochs=1,
    )  # fmt: skip
    tokenizer = read_tokenizer(base.directory)
    require_head(checkpoint)
    return replace(
        plan,
        options=changed,
        checkpoint=checkpoint,
        tokenizer=tokenizer,
        beside=plan.tokenizer,
        first_id=checkpoint.input.rows,
        sizes=sizes_of(checkpoint),
    )


def base_alone_limit(plan: TrainPlan, extended: TrainingRecord, texts: RunTexts) -> TimeLimit:
    """As long as the extended model was trained, whatever the number of steps."""
    options = plan.options
    return TimeLimit(
        seconds=extended.measured[-1].trained_seconds or 0.0,
        most=texts.steps,
        rows_first=0.0,
        warmup=options.warmup,
        decay=options.decay,
        fewest=0,
        shape=options.decay_shape,
        half_life=options.decay_half_life or 0,
    )


def score_marks(extended: TrainingRecord) -> tuple[float, ...]:
    """The seconds of training after which the extended model was scored, between its beginning and end."""
    return tuple(one.trained_seconds for one in extended.measured[1:-1] if one.trained_seconds)


def base_alone_texts(
    plan: TrainPlan, base: TrainPlan, texts: RunTexts, steps: int, run: Path, processes: Processes,
    progress: Progress,
) -> RunTexts:  # fmt: skip
    """The text of the extended model in the base's tokens, in the same order.

    A model that fills in what is hidden reads documents as they are (see `texts_of_base`): what its tokens
    decode to is not always the text.

    Args:
        plan, base: of the extended model and of the base.
        texts: of the extended model.
        steps: of the extended model.
        run: the directory of the base's run.
        processes: the first one writes, the others wait.
        progress: receives the stage.
    """
    if base.objective != "causal":
        return texts_of_base(base, texts, run.parent, steps * _MOST_STEPS)
    path = run / TEXT / "target"
    mark = path.with_suffix(".json")
    if processes.main and not mark.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        wanted = math.ceil(_RESERVE * steps * plan.step_sequences)
        source = OrderedText(texts.target, texts.replay, _order(texts), _tokenization(plan))
        with progress.stage("Packing text for the base left alone", wanted, "sequences") as advance:
            packed = repacked_text(source, _tokenization(base), wanted, plan.options.seed, path, advance)
        mark.write_text(json.dumps(_Packed(len(packed)).plain()), encoding="utf-8")
    processes.wait()
    count = read_fields(mark, _Packed, TrainingError, "remove it").sequences
    order = StoredOrder(count, texts.order.replay_share)
    target = PackedText(path, plan.length)
    return RunTexts(target, None, order, steps * _MOST_STEPS, texts.heldout, texts.heldout_base, texts.sketch)


def contest_of(
    plan: TrainPlan, base: TrainPlan, texts: RunTexts, extended: TrainingRecord, alone: TrainingRecord
) -> Contest:
    """Compare the two finished runs.

    Args:
        plan, base: their plans.
        texts: of the extended model.
        extended, alone: their records.
    """
    tokens = [count_tokens(one.tokenizer, texts.heldout) for one in (plan, base)]
    return compare_contestants(
        _contestant(extended), _contestant(alone), tokens[1] / max(1, tokens[0]), plan.options.seed
    )


def _contestant(record: TrainingRecord) -> Contestant:
    measured: tuple[Measured, ...] = record.measured
    return Contestant(measured, record.schedule)


def _tokenization(plan: TrainPlan) -> Tokenization:
    return Tokenization(plan.tokenizer, ends_of(plan.checkpoint.config))


def _order(texts: RunTexts) -> Order:
    if not isinstance(texts.order, Order):
        raise TypeError("the text of a base alone is not packed again")
    return texts.order


def _find(plan: TrainPlan, progress: Progress) -> Base:
    """The base that --base names, else the recorded one, by its name or by the hub id it came from."""
    options = plan.options
    if options.base:
        return find_base(options.base, progress)
    obstacle = "none is recorded"
    for name in recorded_names(plan.manifest):
        try:
            found = find_base(name, progress)
            require_base(options.directory, read_checkpoint(found.directory))
        except VocabxError as error:
            obstacle = str(error)
        else:
            return found
    shown = shortened(obstacle, 120)
    raise BaseModelError(
        f"--contest needs the base of {options.directory}, which was not found ({shown}): pass it with --base"
    )


def recorded_names(manifest: Manifest) -> list[str]:
    """The recorded name of the base, then the hub id it came from if that differs."""
    name, origin = manifest.base.name, manifest.base.origin
    is_hub_id = origin.count("/") == 1 and " " not in origin and not Path(origin).exists()
    return list(dict.fromkeys([*([name] if name else []), *([origin] if is_hub_id else [])]))
