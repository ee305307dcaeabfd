"""What is hidden from an encoder in a run: its units, its masks, and how held-out text is scored."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from vocabx.commands.train.plan import TrainPlan
from vocabx.corpus.languages import Language
from vocabx.evaluation.bits_per_byte import Scorer
from vocabx.evaluation.hidden_scorer import scorer_for
from vocabx.evaluation.units import Units, common_units, encoded, segmentation_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.hiding import Hidden, hidden_from
from vocabx.training.marks import Marker
from vocabx.training.masking import Masked
from vocabx.training.pair_text import PairText
from vocabx.vectors.tagged_words import has_tagger


def marker_of(plan: TrainPlan, language: Language) -> Marker | None:
    """Marks the units of a text that an encoder reads; None for other models.

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


def hidden_of(plan: TrainPlan) -> Hidden | None:
    """What is hidden from the model, and the ids around its texts; None if it predicts the next token."""
    options, rows = plan.options, plan.checkpoint.input.rows
    return hidden_from(plan.objective, plan.tokenizer, options.directory, rows, options.seed, options.mask)


def scorer_of(plan: TrainPlan, texts: Mapping[str, Sequence[str]]) -> Scorer | None:
    """How held-out passages are scored; None for bits per byte of the next token.

    Args:
        plan: of the run.
        texts: the passages by the tag of their language.
    """
    if plan.objective == "causal":
        return None
    tokenizers = [plan.tokenizer, *([] if plan.beside is None else [plan.beside])]
    units = units_in(plan, texts, tokenizers)
    return scorer_for(plan.objective, plan.tokenizer, plan.options.directory, units)


def unknown_bytes(tokenizer: FastTokenizer, texts: Sequence[str]) -> int:
    """The UTF-8 bytes that an unknown token stands for, the mean over some texts; 0 where there is none."""
    sizes = [
        len(text[start:end].encode())
        for text, tokens in zip(texts, encoded(tokenizer, texts), strict=True)
        for index, (start, end) in zip(tokens.ids, tokens.offsets, strict=True)
        if index == tokenizer.unknown_id
    ]
    return round(sum(sizes) / max(1, len(sizes)))


def units_in(
    plan: TrainPlan, texts: Mapping[str, Sequence[str]], tokenizers: Sequence[FastTokenizer]
) -> dict[str, Units]:
    """The units of held-out passages that some tokenizers have in common, by passage.

    Args:
        plan: of the run.
        texts: the passages by the tag of their language.
        tokenizers: of all models that are scored on them.
    """
    languages = {language.tag: language for language in (plan.base_language, plan.language)}
    return {
        text: found
        for tag, passages in texts.items()
        for text, found in common_units(passages, segmentation_of(languages[tag]), tokenizers).items()
    }
