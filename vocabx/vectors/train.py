"""Word vectors trained on the user's own text, by gensim's skip-gram with negative sampling.

Skip-gram, for it serves small texts better than CBOW (Mikolov et al. 2013). One worker thread: with more,
the order of the updates and so the vectors would differ from run to run.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from vocabx._util.extras import need
from vocabx.errors import VectorsError
from vocabx.vectors.read_vectors import from_gensim
from vocabx.vectors.silence import silent_gensim
from vocabx.vectors.space import WordVectors
from vocabx.vectors.split_words import learned_segmenter
from vocabx.vectors.words import words_of

Advance = Callable[[float], None]
Kind = Literal["word2vec", "fasttext"]

# gensim drops what a sentence holds beyond 10,000 words, without a word about it.
_LONGEST = 5_000
# Fewer distinct words than this make no space in which distances mean something (inferred).
_FEWEST = 100


def train_vectors(
    lines: Sequence[str],
    segmentation: str,
    *,
    kind: Kind = "word2vec",
    width: int = 100,
    epochs: int = 5,
    min_count: int = 2,
    seed: int = 0,
    advance: Advance = lambda done: None,
) -> WordVectors:
    """Train word vectors. The same text, seed and packages give the same bytes.

    Args:
        lines: the text.
        segmentation: "spaces", "jieba" or "none": see `words.py`.
        kind: "word2vec", or "fasttext" for vectors of any text out of n-grams of characters.
        width: columns.
        epochs: passes over the text. 5, as in word2vec and fastText: three times as many translated no
            better (docs/vectors.md).
        min_count: words met less often get no vector.
        seed: of the first vectors and of the sampling.
        advance: called with lines done, each counted once for the cutting and once for each epoch.

    Raises:
        VectorsError: the text holds too few words.
        MissingPackageError: gensim, or what the segmentation needs, is not installed.
    """
    models = need("gensim.models", "vectors")
    sentences = _cut(lines, segmentation, advance)
    settings = {
        "vector_size": width,
        "window": 5,
        "min_count": min_count,
        "sg": 1,
        "negative": 5,
        "seed": (seed + 1) % 2**32,
        "workers": 1,
        "hashfxn": _stable_hash,
    }
    if kind == "fasttext":
        # Buckets for the n-grams of the text at hand: two million, the default, would be gigabytes.
        model = models.FastText(
            **settings, min_n=_shortest(segmentation), max_n=6, bucket=_buckets(sentences)
        )
    else:
        model = models.Word2Vec(**settings)
    with silent_gensim():
        model.build_vocab(sentences)
        if len(model.wv) < _FEWEST:
            raise VectorsError(
                f"the text holds {len(model.wv):,} different words that occur {min_count} times or more; "
                f"word vectors need {_FEWEST} at least: pass more text, or vectors that are trained already"
            )
        told = _Told(sentences, len(lines), advance)
        model.train(told, total_examples=len(sentences), total_words=_total(sentences), epochs=epochs)
    trained = from_gensim(model.wv)
    counts = np.asarray(model.wv.expandos["count"], dtype=np.int64)
    origin = f"{kind} trained on {len(lines):,} lines, {len(trained.words):,} words of {width}"
    return WordVectors(trained.words, trained.matrix, counts, trained.of_text, origin)


class _Told:
    """Sentences that say how far they were read: gensim goes through them once an epoch."""

    def __init__(self, sentences: list[list[str]], lines: int, advance: Advance) -> None:
        self.sentences = sentences
        self.share = lines / max(1, len(sentences))
        self.advance = advance

    def __iter__(self) -> Iterator[list[str]]:
        for number, sentence in enumerate(self.sentences, 1):
            yield sentence
            if number % 1000 == 0:
                self.advance(1000 * self.share)
        self.advance(len(self.sentences) % 1000 * self.share)


def _cut(lines: Sequence[str], segmentation: str, advance: Advance) -> list[list[str]]:
    """The words of each line; equal words share one string, and long lines are parted."""
    cut = learned_segmenter(lines) if segmentation == "none" else lambda line: words_of(line, segmentation)
    shared: dict[str, str] = {}
    sentences: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        words = [shared.setdefault(word, word) for word in cut(line)]
        sentences.extend(words[start : start + _LONGEST] for start in range(0, len(words), _LONGEST))
        if number % 1000 == 0:
            advance(1000)
    advance(len(lines) % 1000)
    return sentences


def _total(sentences: list[list[str]]) -> int:
    return sum(map(len, sentences))


def _shortest(segmentation: str) -> int:
    """The shortest n-gram: words of scripts without spaces are one to three characters long."""
    return 3 if segmentation == "spaces" else 1


def _buckets(sentences: list[list[str]]) -> int:
    """About one bucket for four n-grams of the distinct words, of which most are rare, within bounds."""
    letters = sum(len(word) for word in {word for sentence in sentences for word in sentence})
    return int(min(2_000_000, max(10_000, letters)))


def _stable_hash(text: Any) -> int:
    """In place of hash(), whose values differ from process to process."""
    return zlib.crc32(str(text).encode())
