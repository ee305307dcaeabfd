"""How close a merged checkpoint is to the trained model, measured on real text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.special_ids import begin_id
from vocabx.commands.merge.finished_run import FinishedRun
from vocabx.commands.merge.load_run import load_finished
from vocabx.corpus.clean import clean
from vocabx.corpus.several import default_text, find_languages
from vocabx.corpus.source import TextSource, default_source, peek
from vocabx.errors import VocabxError
from vocabx.evaluation.bits_per_byte import Scorer, split_for_scoring
from vocabx.evaluation.divergence import mean_divergence
from vocabx.evaluation.hidden_scorer import scorer_for
from vocabx.evaluation.load_model import load_model
from vocabx.evaluation.measure import context_of_checkpoint
from vocabx.evaluation.units import common_units
from vocabx.progress import Progress
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

_BYTES = 6000


@dataclass(frozen=True)
class Agreement:
    """Two models on the same passages.

    Attributes:
        text: where the passages come from.
        bytes: size of the passages.
        trained, merged: bits per byte of each model.
        divergence: mean KL(trained ‖ merged) in nats per position.
    """

    text: str
    bytes: int
    trained: float
    merged: float
    divergence: float

    @property
    def difference(self) -> float:
        """Bits per byte that the merge costs."""
        return self.merged - self.trained


@dataclass(frozen=True)
class Passages:
    """Text to compare on: its source, and the passages."""

    text: str
    passages: tuple[str, ...]


def find_passages(run: FinishedRun) -> Passages | None:
    """The beginning of the language's own text, else of English text, else None.

    It only serves to compare two models with each other, so it need not be held out.
    """
    for tag in dict.fromkeys((run.record.language, "en")):
        try:
            source = default_text(find_languages(tag), default_source)
            passages = _first(
                source, context_of_checkpoint(run.checkpoint) - (run.record.objective != "causal")
            )
        except VocabxError:
            continue
        if passages:
            return Passages(f"{tag}, {source.description}", passages)
    return None


def agreement_of(
    run: FinishedRun, directory: Path, passages: Passages, device: str, progress: Progress
) -> Agreement:
    """Load the trained model and the merged one, and compare them.

    Args:
        run: the trained model.
        directory: the merged checkpoint.
        passages: the text to compare on.
        device: torch device for both.
        progress: receives the stage.
    """
    texts = passages.passages
    size = sum(len(passage.encode()) for passage in texts)
    with (
        progress.stage("Comparing with the trained model", 3.0 * size, "B") as advance,
        quiet_transformers("train"),
    ):
        tokenizer = read_tokenizer(directory)
        trained, merged = load_finished(run, device), load_model(directory, device)
        scorer = _scorer(run, directory, tokenizer, texts)
        bits = [scorer.scores(model, [texts], advance)[0].whole for model in (trained, merged)]
        divergence = mean_divergence(trained, merged, _sequences(trained, tokenizer.encode(texts)))
        advance(size)
    return Agreement(passages.text, size, bits[0], bits[1], divergence)


def _scorer(run: FinishedRun, directory: Path, tokenizer: FastTokenizer, texts: Sequence[str]) -> Scorer:
    """How the models are scored: encoders by what is hidden from them, a character at a time."""
    units = {} if run.record.objective == "causal" else common_units(texts, "none", [tokenizer])
    return scorer_for(run.record.objective, tokenizer, directory, units)


def _first(source: TextSource, context: int) -> tuple[str, ...]:
    """The first passages of a source, at most `_BYTES` bytes in total."""
    taken: list[str] = []
    size = 0
    for passage in split_for_scoring([clean(peek(source))], context):
        size += len(passage.encode())
        if taken and size > _BYTES:
            break
        taken.append(passage)
    return tuple(taken)


def _sequences(model: Any, texts: Sequence[Sequence[int]]) -> list[list[int]]:
    return [[begin_id(model.config), *ids] for ids in texts]
