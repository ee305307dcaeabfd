"""The texts of a run: held-out passages and packed sequences, written once and read by every process.

They are stored in the run's directory, so that a resumed run trains on the same sequences in the same order.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vocabx._util.json_file import Count, Written, read_fields
from vocabx.checkpoint.special_ids import begin_id
from vocabx.commands.train.hidden import hidden_of, marker_of, pairs_of, units_in
from vocabx.commands.train.plan import TrainPlan
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.heldout import draw_heldout
from vocabx.corpus.languages import Language, with_scripts_of
from vocabx.corpus.sample import Corpus
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.several import draw_each, joined_corpus
from vocabx.corpus.source import TextSource, peek, scripts_of
from vocabx.corpus.subset import subset_source
from vocabx.errors import TrainingError
from vocabx.evaluation.bits_per_byte import split_for_scoring
from vocabx.evaluation.measure import context_of, context_of_checkpoint
from vocabx.progress import Progress
from vocabx.training.contest import DIRECTORY as BASE_ALONE
from vocabx.training.order import Order, StoredOrder
from vocabx.training.pack_text import Recipe, packed_text, read_sketch
from vocabx.training.packed import Ends, PackedText
from vocabx.training.processes import Processes
from vocabx.training.speed import speeds

DIRECTORY = "text"
_HELDOUT, _SUBSET = "heldout.json", "subset.json"
# Steps of a run whose time ends it, over those that its text was chosen for.
_RESERVE = 10


class _Subset(Written, frozen=True):
    """The bytes of the subset that is trained on."""

    bytes: Count


class _Heldout(Written, frozen=True):
    """The passages that every process measures on, and how many tokenizers decide what is hidden of them."""

    target: tuple[str, ...]
    base: tuple[str, ...]
    tokenizers: Count = 1


@dataclass(frozen=True)
class RunTexts:
    """The texts that a run trains on and is measured on.

    Attributes:
        target, replay: packed sequences; replay is None if none is mixed in.
        order: the order of the sequences.
        steps: number of steps of the run.
        heldout, heldout_base: held-out passages in the new language, and in the base's.
        decay: the text of the decay with its order, None if it has none of its own.
        described: the target text in words; "" for that of the plan.
        sketch: of what may be trained on, see `vocabx.corpus.sketch`.
    """

    target: PackedText
    replay: PackedText | None
    order: Order | StoredOrder
    steps: int
    heldout: tuple[str, ...]
    heldout_base: tuple[str, ...]
    sketch: str
    decay: "DecayText | None" = None
    described: str = ""

    def passages(self, plan: TrainPlan) -> dict[str, tuple[str, ...]]:
        """The held-out passages by the tag of their language."""
        return {plan.base_language.tag: self.heldout_base, plan.language.tag: self.heldout}


@dataclass(frozen=True)
class DecayText:
    """Packed sequences that are read from the decay on in place of the target text, and their order."""

    text: PackedText
    order: Order


def gather_texts(
    plan: TrainPlan, base: TrainPlan | None, run: Path, processes: Processes, progress: Progress
) -> RunTexts:
    """Sample held-out text, pack the rest, and fix the order.

    Args:
        plan: the plan of the run.
        base: of the base left alone, whose text is packed beside it if tokens are hidden from it.
        run: the directory of the run.
        processes: the first one writes, the others wait.
        progress: receives the stages.

    Raises:
        CorpusError: if there is too little text.
        TrainingError: the run was begun with other words hidden of the held-out text.
    """
    directory = run / DIRECTORY
    if processes.main:
        directory.mkdir(exist_ok=True)
        _write(plan, base, directory, progress)
    processes.wait()
    heldout = _read_heldout(directory)
    target = PackedText(directory / "target", plan.length)
    replay = PackedText(directory / "replay", plan.length) if plan.replay else None
    steps, order = _order(plan, len(target), len(replay) if replay else 0)
    sketch = read_sketch(directory)
    described = _target(plan, directory).description
    decay = None
    if plan.decay_source is not None:
        packed = PackedText(directory / "decay", plan.length)
        count, share = len(packed), plan.decay_replay_share if replay else 0.0
        decay = DecayText(packed, replace(order, target=count, target_subset=count, replay_share=share))
    return RunTexts(target, replay, order, steps, heldout.target, heldout.base, sketch, decay, described)


def texts_of_base(plan: TrainPlan, texts: RunTexts, run: Path, steps: int) -> RunTexts:
    """The text of a base left alone that tokens are hidden from: the same share of the same documents.

    They are packed as its tokenizer divides them, so they are read in an order of their own.

    Args:
        plan: of the base.
        texts: of the extended model.
        run: the directory of the extended model's run.
        steps: which the base never reaches.
    """
    directory = run / DIRECTORY / BASE_ALONE
    target = PackedText(directory / "target", plan.length)
    replay = PackedText(directory / "replay", plan.length) if texts.replay is not None else None
    read = math.ceil(len(target) * texts.order.target_subset / max(1, len(texts.target)))
    count = len(replay) if replay else 0
    share = texts.order.replay_share
    order = Order(len(target), count, share, max(1, read), count, plan.options.seed)
    return RunTexts(target, replay, order, steps, texts.heldout, texts.heldout_base, texts.sketch)


def _read_heldout(directory: Path) -> _Heldout:
    return read_fields(directory / _HELDOUT, _Heldout, TrainingError, "run the same command again")


def ends_of(config: Mapping[str, Any]) -> Ends:
    """The ids around a document: the begin token used in scoring, and the end-of-text token, else the former.

    Args:
        config: config.json of the model.
    """
    begin = begin_id(SimpleNamespace(**config))
    end = config.get("eos_token_id")
    end = end[0] if isinstance(end, list) and end else end
    return Ends(begin, end if isinstance(end, int) else begin)


def _write(plan: TrainPlan, alone: TrainPlan | None, directory: Path, progress: Progress) -> None:
    # Only the held-out part of this sample is used: all the remaining text is packed.
    sizes = SampleSizes(1000, plan.options.heldout_bytes, plan.options.seed)
    corpus = joined_corpus(draw_each(plan.source, plan.language, sizes, "Reading text", progress))
    if (dropped := plan.source.all_dropped) is not None:
        dropped.write(directory)
    base = None
    if plan.base_source is not None:
        language = plan.base_language
        if not language.scripts or plan.options.replay:
            language = with_scripts_of(replace(language, scripts=()), peek(plan.base_source))
        title = "Reading the base's language"
        base = draw_corpus(plan.base_source, language.scripts, sizes, title, progress)
    measured = base.heldout if base else ()
    if plan.measured_source is not None:
        scripts = scripts_of(plan.measured_source)
        title = "Reading text of another domain"
        size, seed = plan.options.heldout_bytes, plan.options.seed
        measured = draw_heldout(plan.measured_source, scripts, size, seed, title, progress)
    context = context_of(plan.checkpoint.config)
    if plan.objective != "causal":
        # The passage has an id after it, too.
        context = context_of_checkpoint(plan.checkpoint) - 1
    heldout = _Heldout(
        target=tuple(split_for_scoring(corpus.heldout, context)),
        base=tuple(split_for_scoring(measured, context)),
        tokenizers=1 if plan.beside is None else 2,
    )
    _check_hidden(plan, heldout, directory)
    (directory / _HELDOUT).write_text(json.dumps(heldout.plain(), ensure_ascii=False), encoding="utf-8")
    recipe = _recipe(plan, plan.language)
    paired = replace(recipe, pairs=pairs_of(plan))
    _pack(_target(plan, directory), corpus, paired, directory / "target", progress)
    if plan.replay is not None and base is not None:
        _pack(plan.replay, base, _recipe(plan, plan.base_language), directory / "replay", progress)
    if alone is not None and alone.objective != "causal":
        (directory / BASE_ALONE).mkdir(exist_ok=True)
        paired = replace(_recipe(alone, plan.language), pairs=pairs_of(alone))
        _pack(_target(plan, directory), corpus, paired, directory / BASE_ALONE / "target", progress)
        if plan.replay is not None and base is not None:
            other = _recipe(alone, plan.base_language)
            _pack(plan.replay, base, other, directory / BASE_ALONE / "replay", progress)
    if plan.decay_source is not None:
        # What is held out of the corpus may stand there, too.
        _pack(plan.decay_source, corpus, recipe, directory / "decay", progress)


def _check_hidden(plan: TrainPlan, heldout: _Heldout, directory: Path) -> None:
    """Refuse to go on with a run whose scores were of other hidden words: a contest hides common units alone.

    Raises:
        TrainingError: it was begun with a contest, and goes on without one, or the other way round.
    """
    if plan.objective == "causal" or not (directory / _HELDOUT).is_file():
        return
    before = _read_heldout(directory).tokenizers
    if before == heldout.tokenizers:
        return
    run = directory.parent
    if plan.beside is None:
        raise TrainingError(f"{run} was begun with --contest, by which its text is scored: pass it again")
    texts = {plan.base_language.tag: heldout.base, plan.language.tag: heldout.target}
    alone, both = (units_in(plan, texts, some) for some in ([plan.tokenizer], [plan.tokenizer, plan.beside]))
    if any((alone[text].of_character != both[text].of_character).any() for text in both):
        raise TrainingError(
            f"{run} was begun without --contest, which hides other words of its held-out text: omit it, or "
            "train again with another --out"
        )


def _target(plan: TrainPlan, directory: Path) -> TextSource:
    """The text to train on: all of it, or its subset."""
    options = plan.options
    if not options.subset:
        return plan.source
    size = _subset_bytes(plan, directory)
    return subset_source(plan.source, plan.language, size, options.text_bytes, options.perplexity_model)


def _subset_bytes(plan: TrainPlan, directory: Path) -> int:
    """The size of the subset, written down: it may depend on the speed of the machine."""
    path = directory / _SUBSET
    if path.is_file():
        return read_fields(path, _Subset, TrainingError, "run the same command again").bytes
    size = plan.subset_bytes or _fitting_bytes(plan)
    path.write_text(json.dumps(_Subset(size).plain()), encoding="utf-8")
    return size


def _fitting_bytes(plan: TrainPlan) -> int:
    """As many bytes as the run reads --epochs times, by its estimated number of steps."""
    steps: int = plan.describe(*speeds(plan.device, plan.method.dtype))["steps"]
    share = plan.options.replay_share if plan.replay else 0.0
    tokens = steps * plan.stable_share * plan.step_sequences * plan.length * (1 - share)
    return max(1, math.ceil(tokens / (plan.options.passes * plan.tokens_per_byte)))


def _recipe(plan: TrainPlan, language: Language) -> Recipe:
    hidden = hidden_of(plan)
    ends = ends_of(plan.checkpoint.config) if hidden is None else hidden.ends
    return Recipe(plan.tokenizer, ends, plan.length, plan.options.text_bytes, marker_of(plan, language))


def _pack(source: TextSource, corpus: Corpus, recipe: Recipe, path: Path, progress: Progress) -> None:
    with progress.stage(f"Packing {path.name} text", source.bytes or None, "B") as advance:
        packed_text(source, corpus, recipe, path, advance)


def _order(plan: TrainPlan, target: int, replay: int) -> tuple[int, Order]:
    options, share = plan.options, plan.options.replay_share if replay else 0.0
    stable = plan.stable_share
    steps = options.max_steps
    if steps is None:
        steps = max(1, int(target * options.passes / (1 - share) / stable) // plan.step_sequences)
        # The size of the text follows from an estimate, and the time decides.
        steps *= _RESERVE if options.subset == "auto" else 1
        wanted = target
    else:
        sequences = math.ceil(steps * stable) * plan.step_sequences
        wanted = min(target, math.ceil(sequences * (1 - share) / options.passes))
    return steps, Order(target, replay, share, max(1, wanted), replay, options.seed)
