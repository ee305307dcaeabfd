"""Measures the base and the extended model on the same two held-out texts."""

from pathlib import Path

from vocabx.commands.extend.plan import Plan
from vocabx.commands.extend.vocabulary_plan import VocabularyPlan
from vocabx.corpus.sample import Corpus
from vocabx.evaluation.bits_per_byte import Score, bits_per_byte, split_for_scoring
from vocabx.evaluation.comparison import Comparison
from vocabx.evaluation.measure import compare, context_of
from vocabx.progress import Progress
from vocabx.tokenizer.extension import Extension

Scores = dict[str, list[Score]]


def measure_both(
    plan: VocabularyPlan,
    extension: Extension,
    target: Corpus,
    base_language: Corpus,
    scores: Scores | None = None,
) -> tuple[Comparison, Comparison]:
    """Compare the two tokenizers and their models on text in the new language, and on text in the base's.

    Args:
        plan: names the base and the texts.
        extension: both tokenizers.
        target, base_language: the texts; only their held-out sections are used.
        scores: the result of `score_both`, or None if nothing was scored.
    """
    tokenizers = (extension.base, extension.tokenizer)
    both = [None, None] if scores is None else list(zip(scores["base"], scores["extended"], strict=True))
    return (
        compare(plan.language.tag, plan.source.description, target, tokenizers, both[0]),
        compare(plan.base_language, plan.base_source.description, base_language, tokenizers, both[1]),
    )


def score_both(
    plan: Plan,
    extension: Extension,
    directory: Path,
    target: Corpus,
    base_language: Corpus,
    progress: Progress,
) -> Scores | None:
    """Score both models on both held-out texts; None if the plan skips evaluation.

    Args:
        plan: names the base, and says whether to score.
        extension: both tokenizers.
        directory: the extended checkpoint.
        target, base_language: the texts.
        progress: receives one stage per model.
    """
    if not plan.evaluate:
        return None
    context = context_of(plan.checkpoint.config)
    groups = [split_for_scoring(corpus.heldout, context) for corpus in (target, base_language)]
    total = sum(len(passage.encode()) for group in groups for passage in group)
    scores: Scores = {}
    for name, where, tokenizer in (
        ("base", plan.base.directory, extension.base),
        ("extended", directory, extension.tokenizer),
    ):
        with progress.stage(f"Scoring the {name} model", total, "B") as advance:
            scores[name] = bits_per_byte(where, tokenizer, groups, advance)
    return scores
