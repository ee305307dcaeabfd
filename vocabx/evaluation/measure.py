"""The base and the extended model on the same two held-out texts."""

from pathlib import Path

from vocabx.corpus.sample import Corpus
from vocabx.evaluation.bits_per_byte import Score, bits_per_byte, cut_for_scoring
from vocabx.evaluation.comparison import Comparison, Measure
from vocabx.evaluation.fertility import count_tokens, count_unknown, encode_speeds
from vocabx.plan import Plan, VocabularyPlan
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
    """Compare the two tokenizers, and their models, on text in the new language, then in the base's.

    Args:
        plan: names the base and the texts.
        extension: both tokenizers.
        target, base_language: the texts; only their held-out sections are used.
        scores: what `score_both` returned, or None when nothing was scored.
    """
    return (
        _compare(plan.language.tag, plan.source.description, target, extension, scores, 0),
        _compare(plan.base_language, plan.base_source.description, base_language, extension, scores, 1),
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
    groups = [cut_for_scoring(corpus.heldout, _context(plan)) for corpus in (target, base_language)]
    total = sum(len(passage.encode()) for group in groups for passage in group)
    scores: Scores = {}
    for name, where, tokenizer in (
        ("base", plan.base.directory, extension.base),
        ("extended", directory, extension.tokenizer),
    ):
        with progress.stage(f"Scoring the {name} model", total, "B") as advance:
            scores[name] = bits_per_byte(where, tokenizer, groups, advance)
    return scores


def _compare(
    language: str,
    source: str,
    corpus: Corpus,
    extension: Extension,
    scores: Scores | None,
    which: int,
) -> Comparison:
    texts = corpus.heldout
    characters, size = sum(map(len, texts)), sum(len(text.encode()) for text in texts)
    tokenizers = (extension.base, extension.tokenizer)
    # Speed is measured on more text than is held out, or a timer's grain would decide it.
    speeds = encode_speeds(tokenizers, [*texts, *corpus.learning])
    measures = []
    for tokenizer, name, speed in zip(tokenizers, ("base", "extended"), speeds, strict=True):
        tokens = count_tokens(tokenizer, texts)
        score = scores[name][which] if scores else None
        whole, start = (None, None) if score is None else (score.whole, score.start)
        unknown = count_unknown(tokenizer, texts)
        measures.append(Measure(tokens, characters / max(1, tokens), whole, start, speed, unknown))
    return Comparison(language, source, characters, size, size if scores else 0, *measures)


def _context(plan: Plan) -> int:
    config = plan.checkpoint.config
    for name in ("max_position_embeddings", "n_positions"):
        if isinstance(config.get(name), int):
            return int(config[name])
    return 1024
