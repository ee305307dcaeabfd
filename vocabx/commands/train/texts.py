"""The texts of a run: held-out passages and packed sequences, made once and read by every process.

They lie in the run's directory, so that a resumed run learns from the same sequences in the same order.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vocabx._util.json_file import Written, read_fields
from vocabx.commands.train.plan import TrainPlan
from vocabx.corpus.draw import draw_corpus
from vocabx.corpus.languages import with_scripts_of
from vocabx.corpus.sample import Corpus
from vocabx.corpus.sample_sizes import SampleSizes
from vocabx.corpus.source import TextSource, peek
from vocabx.errors import TrainingError
from vocabx.evaluation.bits_per_byte import begin_id, split_for_scoring
from vocabx.evaluation.measure import context_of
from vocabx.progress import Progress
from vocabx.training.order import Order
from vocabx.training.pack_text import Recipe, packed_text
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
    """What a run learns from and is measured on.

    Attributes:
        target, replay: packed sequences; no replay where none is mixed in.
        order: which sequence stands where.
        steps: of the run.
        heldout, heldout_base: passages of the new language, and of the base's.
    """

    target: PackedText
    replay: PackedText | None
    order: Order
    steps: int
    heldout: tuple[str, ...]
    heldout_base: tuple[str, ...]


def gather_texts(plan: TrainPlan, run: Path, processes: Processes, progress: Progress) -> RunTexts:
    """Draw held-out text, pack the rest, and lay down the order.

    Args:
        plan: the run.
        run: its directory.
        processes: the first one writes, the others wait.
        progress: told of the stages.

    Raises:
        CorpusError: there is too little text.
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
    return RunTexts(target, replay, order, steps, heldout.target, heldout.base)


def ends_of(config: Mapping[str, Any]) -> Ends:
    """The ids around a document: as a text begins for scoring, and the model's end of text, else the same.

    Args:
        config: of the model, as config.json has it.
    """
    begin = begin_id(SimpleNamespace(**config))
    end = config.get("eos_token_id")
    end = end[0] if isinstance(end, list) and end else end
    return Ends(begin, end if isinstance(end, int) else begin)


def _write(plan: TrainPlan, directory: Path, progress: Progress) -> None:
    # Nothing is learned from this sample: what is left of the text is packed as it is.
    sizes = SampleSizes(1000, plan.options.heldout_bytes, plan.options.seed)
    corpus = draw_corpus(plan.source, plan.language.scripts, sizes, "Reading text", progress)
    base = None
    if plan.base_source is not None:
        language = plan.base_language
        if not language.scripts or plan.options.replay:
            language = with_scripts_of(replace(language, scripts=()), peek(plan.base_source))
        title = "Reading the base's language"
        base = draw_corpus(plan.base_source, language.scripts, sizes, title, progress)
    context = context_of(plan.checkpoint.config)
    heldout = _Heldout(
        target=tuple(split_for_scoring(corpus.heldout, context)),
        base=tuple(split_for_scoring(base.heldout, context)) if base else (),
    )
    (directory / _HELDOUT).write_text(json.dumps(heldout.plain(), ensure_ascii=False), encoding="utf-8")
    _pack(plan, plan.source, corpus, directory / "target", progress)
    if plan.replay is not None and base is not None:
        _pack(plan, plan.replay, base, directory / "replay", progress)


def _pack(plan: TrainPlan, source: TextSource, corpus: Corpus, path: Path, progress: Progress) -> None:
    recipe = Recipe(plan.tokenizer, ends_of(plan.checkpoint.config), plan.length, plan.options.text_bytes)
    with progress.stage(f"Packing {path.name} text", source.bytes or None, "B") as advance:
        packed_text(source, corpus, recipe, path, advance)


def _order(plan: TrainPlan, target: int, replay: int) -> tuple[int, Order]:
    options, share = plan.options, plan.options.replay_share if replay else 0.0
    steps = options.max_steps
    if steps is None:
        steps = max(1, int(target * options.epochs / (1 - share)) // plan.step_sequences)
        wanted = target
    else:
        places = steps * plan.step_sequences
        wanted = min(target, math.ceil(places * (1 - share) / options.epochs))
    return steps, Order(target, replay, share, max(1, wanted), replay, options.seed)
