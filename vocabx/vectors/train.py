"""Word vectors trained on the user's own text, by gensim's skip-gram with negative sampling.

Skip-gram, because it is better than CBOW on small texts (Mikolov et al. 2013). One worker thread: with more,
the order of updates, and so the vectors, would differ between runs.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from vocabx._util.extras import Packages, need
from vocabx.errors import VectorsError
from vocabx.progress import Advance
from vocabx.vectors.read_vectors import from_gensim
from vocabx.vectors.silence import silent_gensim
from vocabx.vectors.space import WordVectors
from vocabx.vectors.split_words import learned_segmenter
from vocabx.vectors.words import segmentation_packages, words_of

Advance = Advance
Kind = Literal["word2vec", "fasttext"]

# gensim silently drops the words of a sentence beyond 10,000.
_LONGEST = 5_000
# With fewer distinct words, distances are not meaningful (inferred).
_FEWEST = 100


def training_packages(segmentation: str) -> Packages:
    """The packages that `train_vectors` needs."""
    return {"gensim": "vectors", **segmentation_packages(segmentation)}


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
        kind: "word2vec", or "fasttext" for vectors of any text from character n-grams.
        width: number of columns.
        epochs: passes over the text. 5, as in word2vec and fastText: three times as many did not translate
            better (docs/vectors.md).
        min_count: words that occur less often get no vector.
        seed: of the initial vectors and of the sampling.
        advance: called with the number of lines done, each counted once for splitting and once per epoch.

    Raises:
        VectorsError: the text has too few distinct words.
        MissingPackageError: gensim, or what the segmentation needs, is not installed.
    """
    models = need("gensim.models", "vectors")
    sentences = _split(lines, segmentation, advance)
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
        # As many buckets as this text needs: the default of two million would take gigabytes.
        model = models.FastText(
            **settings, min_n=_shortest(segmentation), max_n=6, bucket=_buckets(sentences)
        )
    else:
        model = models.Word2Vec(**settings)
    with silent_gensim():
        model.build_vocab(sentences)
        if len(model.wv) < _FEWEST:
            raise VectorsError(
                f"the text has {len(model.wv):,} distinct words that occur at least {min_count} times, and "
                f"word vectors need {_FEWEST}: pass more text, or trained vectors"
            )
        reporting = _Reporting(sentences, len(lines), advance)
        model.train(reporting, total_examples=len(sentences), total_words=_total(sentences), epochs=epochs)
    trained = from_gensim(model.wv)
    counts = np.asarray(model.wv.expandos["count"], dtype=np.int64)
    origin = f"{kind} trained on {len(lines):,} lines, {len(trained.words):,} words of {width}"
    return WordVectors(trained.words, trained.matrix, counts, trained.of_text, origin)


class _Reporting:
    """Sentences that report how far they were read; gensim iterates over them once per epoch."""

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


def _split(lines: Sequence[str], segmentation: str, advance: Advance) -> list[list[str]]:
    """The words of each line; equal words share one string, and long lines are split."""
    split = learned_segmenter(lines) if segmentation == "none" else lambda line: words_of(line, segmentation)
    shared: dict[str, str] = {}
    sentences: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        words = [shared.setdefault(word, word) for word in split(line)]
        sentences.extend(words[start : start + _LONGEST] for start in range(0, len(words), _LONGEST))
        if number % 1000 == 0:
            advance(1000)
    advance(len(lines) % 1000)
    return sentences


def _total(sentences: list[list[str]]) -> int:
    return sum(map(len, sentences))


def _shortest(segmentation: str) -> int:
    """The shortest n-gram, given that words of scripts without spaces have one to three characters."""
    return 3 if segmentation == "spaces" else 1


def _buckets(sentences: list[list[str]]) -> int:
    """About one bucket per four n-grams of the distinct words, most of which are rare, within bounds."""
    letters = sum(len(word) for word in {word for sentence in sentences for word in sentence})
    return int(min(2_000_000, max(10_000, letters)))


def _stable_hash(text: Any) -> int:
    """Replaces hash(), whose values differ between processes."""
    return zlib.crc32(str(text).encode())
