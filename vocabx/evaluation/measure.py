"""Compares two tokenizers, and their models if these were scored, on the same held-out text."""

from collections.abc import Mapping
from typing import Any

from vocabx.checkpoint.tables import Checkpoint
from vocabx.corpus.sample import Corpus
from vocabx.evaluation.bits_per_byte import Score
from vocabx.evaluation.comparison import Comparison, Measure
from vocabx.evaluation.fertility import count_tokens, count_unknown, encode_speeds
from vocabx.tokenizer.fast import FastTokenizer


def compare(
    language: str,
    source: str,
    corpus: Corpus,
    tokenizers: tuple[FastTokenizer, FastTokenizer],
    scores: tuple[Score, Score] | None,
) -> Comparison:
    """Compare two tokenizers, and their models if these were scored, on held-out text.

    Args:
        language: BCP 47 tag of the text.
        source: where it comes from.
        corpus: the text; learning text is only used to measure speed.
        tokenizers: the base's and the extended one.
        scores: the scores of their models on it, or None.
    """
    texts = corpus.heldout
    characters, size = sum(map(len, texts)), sum(len(text.encode()) for text in texts)
    # Held-out text alone would be too short to time.
    speeds = encode_speeds(tokenizers, [*texts, *corpus.learning])
    measures = []
    for tokenizer, score, speed in zip(tokenizers, scores or (None, None), speeds, strict=True):
        tokens = count_tokens(tokenizer, texts)
        whole, start = (None, None) if score is None else (score.whole, score.start)
        unknown = count_unknown(tokenizer, texts)
        measures.append(Measure(tokens, characters / max(1, tokens), whole, start, speed, unknown))
    return Comparison(language, source, characters, size, size if scores else 0, *measures)


def context_of_checkpoint(checkpoint: Checkpoint) -> int:
    """Length of a model's context in tokens, without the positions that RoBERTa keeps for pad tokens."""
    kept = 0 if checkpoint.pad_anchor is None else checkpoint.pad_anchor + 1
    return context_of(checkpoint.config) - kept


def context_of(config: Mapping[str, Any]) -> int:
    """Length of a model's context in tokens, according to its configuration."""
    for name in ("max_position_embeddings", "n_positions"):
        if isinstance(config.get(name), int):
            return int(config[name])
    return 1024
