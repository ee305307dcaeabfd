"""What is hidden from an encoder in a run: its units, its masks, and how held-out text is scored."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vocabx.commands.train.plan import TrainPlan
from vocabx.corpus.languages import Language
from vocabx.evaluation.bits_per_byte import Scorer
from vocabx.evaluation.masked import MaskedScorer, frame_of
from vocabx.evaluation.units import common_units, segmentation_of
from vocabx.training.marks import Marker
from vocabx.training.masking import Masked, Masking
from vocabx.training.packed import Ends
from vocabx.training.pair_text import PairText
from vocabx.vectors.tagged_words import has_tagger


def marker_of(plan: TrainPlan, language: Language) -> Marker | None:
    """Marks the units of a text; None for a model that predicts the next token.

    Entities are marked where the language has a tagger, and words elsewhere, as in replayed text.
    """
    if plan.objective != "masked":
        return None
    segmentation = segmentation_of(language)
    kind: Masked = plan.options.mask if has_tagger(segmentation) else "words"
    return Marker(plan.tokenizer, segmentation, kind)


def pairs_of(plan: TrainPlan) -> PairText | None:
    """The sentences with translations of --pairs: in the new language, and in the base's."""
    first, second = marker_of(plan, plan.language), marker_of(plan, plan.base_language)
    if not plan.options.pairs or first is None or second is None:
        return None
    return PairText(Path(plan.options.pairs), (first, second))


def hidden_ends(plan: TrainPlan) -> Ends:
    """The ids around a document of a model that reads whole texts."""
    frame = frame_of(plan.tokenizer, plan.options.directory)
    end = next(iter((*frame.end, *frame.begin)), 0)
    return Ends(frame.begin[0] if frame.begin else None, end)


def masking_of(plan: TrainPlan) -> Masking | None:
    """How the sequences of a run are hidden; None for a model that predicts the next token."""
    if plan.objective != "masked":
        return None
    frame = frame_of(plan.tokenizer, plan.options.directory)
    rows = plan.checkpoint.input.rows
    drawn = np.array(sorted(index for index in plan.tokenizer.token_bytes if index < rows), dtype=np.int64)
    mask = frame.require_mask(plan.options.directory)
    return Masking(plan.options.mask, mask, drawn, (*frame.begin, *frame.end), plan.options.seed)


def scorer_of(plan: TrainPlan, texts: Mapping[str, Sequence[str]]) -> Scorer | None:
    """How held-out passages are scored; None for bits per byte of the next token.

    Args:
        plan: of the run.
        texts: the passages by the tag of their language.
    """
    if plan.objective != "masked":
        return None
    languages = {language.tag: language for language in (plan.base_language, plan.language)}
    units = {
        text: found
        for tag, passages in texts.items()
        for text, found in common_units(passages, segmentation_of(languages[tag]), [plan.tokenizer]).items()
    }
    return MaskedScorer(plan.tokenizer, frame_of(plan.tokenizer, plan.options.directory), units)
