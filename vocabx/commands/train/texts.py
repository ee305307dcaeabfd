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

from vocabx._util.json_file import Written, read_fields
from vocabx.checkpoint.special_ids import begin_id
from vocabx.commands.train.hidden import hidden_of, marker_of, pairs_of
from vocabx.commands.train.plan import TrainPlan
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.languages import Language, with_scripts_of
from vocabx.corpus.sample import Corpus
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.several import draw_each, joined_corpus
from vocabx.corpus.source import TextSource, peek
from vocabx.errors import TrainingError
from vocabx.evaluation.bits_per_byte import split_for_scoring
from vocabx.evaluation.measure import context_of, context_of_checkpoint
from vocabx.progress import Progress
from vocabx.training.order import Order, StoredOrder
from vocabx.training.pack_text import Recipe, packed_text, read_sketch
from vocabx.training.packed import Ends, PackedText
from vocabx.training.processes import Processes

DIRECTORY = "text"
_HELDOUT = "heldout.json"


class _Heldout(Written, frozen=True):
    """The passages that every process measures on."""

    target: tuple[str, ...]
    base: tuple[str, ...]


@dataclass(frozen=True)
class RunTexts:
    """The texts that a run trains on and is measured on.

    Attributes:
        target, replay: packed sequences; replay is None if none is mixed in.
        order: the order of the sequences.
        steps: number of steps of the run.
        heldout, heldout_base: held-out passages in the new language, and in the base's.
        sketch: of what may be trained on, see `vocabx.corpus.sketch`.
    """

    target: PackedText
    replay: PackedText | None
    order: Order | StoredOrder
    steps: int
    heldout: tuple[str, ...]
    heldout_base: tuple[str, ...]
    sketch: str


def gather_texts(plan: TrainPlan, run: Path, processes: Processes, progress: Progress) -> RunTexts:
    """Sample held-out text, pack the rest, and fix the order.

    Args:
        plan: the plan of the run.
        run: its directory.
        processes: the first one writes, the others wait.
        progress: receives the stages.

    Raises:
        CorpusError: if there is too little text.
    """
    directory = run / DIRECTORY
    if processes.main:
        directory.mkdir(exist_ok=True)
        _write(plan, directory, progress)
    processes.wait()
    heldout = read_fields(directory / _HELDOUT, _Heldout, TrainingError, "run the same command again")
    target = PackedText(directory / "target", plan.length)
    replay = PackedText(directory / "replay", plan.length) if plan.replay else None
    steps, order = _order(plan, len(target), len(replay) if replay else 0)
    sketch = read_sketch(directory)
    return RunTexts(target, replay, order, steps, heldout.target, heldout.base, sketch)


def ends_of(config: Mapping[str, Any]) -> Ends:
    """The ids around a document: the begin token used in scoring, and the end-of-text token, else the former.

    Args:
        config: config.json of the model.
    """
    begin = begin_id(SimpleNamespace(**config))
    end = config.get("eos_token_id")
    end = end[0] if isinstance(end, list) and end else end
    return Ends(begin, end if isinstance(end, int) else begin)


def _write(plan: TrainPlan, directory: Path, progress: Progress) -> None:
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
    context = context_of(plan.checkpoint.config)
    if plan.objective != "causal":
        # The passage has an id after it, too.
        context = context_of_checkpoint(plan.checkpoint) - 1
    heldout = _Heldout(
        target=tuple(split_for_scoring(corpus.heldout, context)),
        base=tuple(split_for_scoring(base.heldout, context)) if base else (),
    )
    (directory / _HELDOUT).write_text(json.dumps(heldout.plain(), ensure_ascii=False), encoding="utf-8")
    recipe = _recipe(plan, plan.language)
    _pack(plan.source, corpus, replace(recipe, pairs=pairs_of(plan)), directory / "target", progress)
    if plan.replay is not None and base is not None:
        _pack(plan.replay, base, _recipe(plan, plan.base_language), directory / "replay", progress)


def _recipe(plan: TrainPlan, language: Language) -> Recipe:
    hidden = hidden_of(plan)
    ends = ends_of(plan.checkpoint.config) if hidden is None else hidden.ends
    return Recipe(plan.tokenizer, ends, plan.length, plan.options.text_bytes, marker_of(plan, language))


def _pack(source: TextSource, corpus: Corpus, recipe: Recipe, path: Path, progress: Progress) -> None:
    with progress.stage(f"Packing {path.name} text", source.bytes or None, "B") as advance:
        packed_text(source, corpus, recipe, path, advance)


def _order(plan: TrainPlan, target: int, replay: int) -> tuple[int, Order]:
    options, share = plan.options, plan.options.replay_share if replay else 0.0
    steps = options.max_steps
    if steps is None:
        steps = max(1, int(target * options.epochs / (1 - share)) // plan.step_sequences)
        wanted = target
    else:
        sequences = steps * plan.step_sequences
        wanted = min(target, math.ceil(sequences * (1 - share) / options.epochs))
    return steps, Order(target, replay, share, max(1, wanted), replay, options.seed)
