"""The base and the extended model on the same two held-out texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocabx.corpus.sample import Corpus
from vocabx.evaluation.bits_per_byte import Score, bits_per_byte, cut_for_scoring
from vocabx.evaluation.comparison import Comparison, Measure
from vocabx.evaluation.fertility import count_tokens, count_unknown, encode_speeds
from vocabx.plan import Plan, VocabularyPlan
from vocabx.progress import Progress
from vocabx.tokenizer.extension import Extension
from vocabx.tokenizer.fast import FastTokenizer

Scores = dict[str, list[Score]]


def measure_both(
    plan: VocabularyPlan,
    extension: Extension,
    target: Corpus,
    base_language: Corpus,
    scores: Scores | None = None,
) -> tuple[Comparison, Comparison]:
    """Compare the two tokenizers, and their models, on text in the new language, then in the base's.

    Args:
        plan: names the base and the texts.
        extension: both tokenizers.
        target, base_language: the texts; only their held-out sections are used.
        scores: what `score_both` returned, or None when nothing was scored.
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
    """Score both models on both held-out texts, or neither where the plan says so.

    Args:
        plan: names the base, and says whether to score.
        extension: both tokenizers.
        directory: the extended checkpoint.
        target, base_language: the texts.
        progress: told of the scoring.
    """
    if not plan.evaluate:
        return None
    context = context_of(plan.checkpoint.config)
    groups = [cut_for_scoring(corpus.heldout, context) for corpus in (target, base_language)]
    total = sum(len(passage.encode()) for group in groups for passage in group)
    scores: Scores = {}
    for name, where, tokenizer in (
        ("base", plan.base.directory, extension.base),
        ("extended", directory, extension.tokenizer),
    ):
        with progress.stage(f"Scoring the {name} model", total, "B") as advance:
            scores[name] = bits_per_byte(where, tokenizer, groups, advance)
    return scores


def compare(
    language: str,
    source: str,
    corpus: Corpus,
    tokenizers: tuple[FastTokenizer, FastTokenizer],
    scores: tuple[Score, Score] | None,
) -> Comparison:
    """Compare two tokenizers, and their models where these were scored, on held-out text.

    Args:
        language: BCP 47 tag of the text.
        source: where it comes from.
        corpus: the text; learning text serves only to measure speed.
        tokenizers: the base's and the other.
        scores: the scores of their models on it, or None.
    """
    texts = corpus.heldout
    characters, size = sum(map(len, texts)), sum(len(text.encode()) for text in texts)
    # Speed is measured on more text than is held out, or a timer's grain would decide it.
    speeds = encode_speeds(tokenizers, [*texts, *corpus.learning])
    measures = []
    for tokenizer, score, speed in zip(tokenizers, scores or (None, None), speeds, strict=True):
        tokens = count_tokens(tokenizer, texts)
        whole, start = (None, None) if score is None else (score.whole, score.start)
        unknown = count_unknown(tokenizer, texts)
        measures.append(Measure(tokens, characters / max(1, tokens), whole, start, speed, unknown))
    return Comparison(language, source, characters, size, size if scores else 0, *measures)


def context_of(config: Mapping[str, Any]) -> int:
    """How many tokens a model reads at once, by its configuration."""
    for name in ("max_position_embeddings", "n_positions"):
        if isinstance(config.get(name), int):
            return int(config[name])
    return 1024
