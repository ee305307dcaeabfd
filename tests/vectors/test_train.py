import os
import subprocess
import sys

import numpy as np
import pytest

from vocabx.errors import VectorsError
from vocabx.vectors.train import train_vectors

AGAIN = """
import sys, hashlib
from vocabx.corpus.packaged_text import read_packaged
from vocabx.corpus.languages import find_language
from vocabx.vectors.train import train_vectors
topics = find_language("en").packaged[0].file
lines = [line for document in read_packaged(topics) for line in document.text.split("\\n")][:2000]
v = train_vectors(lines, "spaces", kind=sys.argv[1], width=16, epochs=1, seed=3)
of_text = v.of_text("newword").tobytes() if v.of_text else b""
print(hashlib.sha256("\\n".join(v.words).encode() + v.matrix.tobytes() + of_text).hexdigest())
"""


@pytest.mark.parametrize("kind", ["word2vec", "fasttext"])
def test_processes_with_different_hash_seeds_train_the_same_vectors(kind):
    digests = {
        subprocess.run(
            [sys.executable, "-c", AGAIN, kind],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_the_largest_seed_trains(english):
    assert np.isfinite(
        train_vectors(english[:2000], "spaces", width=8, epochs=1, seed=2**32 - 1).matrix
    ).all()


def test_words_are_counted_and_ordered_by_frequency(english):
    lines = english[:3000]
    advanced: list[float] = []
    vectors = train_vectors(lines, "spaces", width=24, epochs=3, seed=0, advance=advanced.append)
    assert vectors.matrix.shape == (len(vectors.words), 24) and vectors.matrix.dtype == np.float32
    assert vectors.words[0] == "the" and vectors.of_text is None
    assert (np.diff(vectors.counts) <= 0).all() and vectors.counts[-1] >= 2
    assert sum(advanced) == pytest.approx(4 * len(lines))


def test_words_with_similar_contexts_get_similar_vectors():
    """A language of two kinds of sentences: words of one kind are close, words of different kinds not."""
    random = np.random.default_rng(0)
    kinds = [[f"a{i}" for i in range(80)], [f"b{i}" for i in range(80)]]
    lines = [" ".join(random.choice(kinds[n % 2], 12)) for n in range(4000)]
    vectors = train_vectors(lines, "spaces", width=16, epochs=5, seed=0)
    unit = vectors.matrix / np.linalg.norm(vectors.matrix, axis=1, keepdims=True)
    first = np.array([word.startswith("a") for word in vectors.words])
    assert (unit[first] @ unit[first].T).mean() > (unit[first] @ unit[~first].T).mean() + 0.3


def test_fasttext_has_vectors_for_unseen_texts(english):
    vectors = train_vectors(english[:2000], "spaces", kind="fasttext", width=8, epochs=1)
    assert "functionality123" not in vectors.index
    assert vectors.of_text("functionality123").any()


@pytest.mark.parametrize("segmentation", ["jieba", "none"])
def test_chinese_is_trained_on_words_longer_than_a_character(verses, segmentation):
    vectors = train_vectors(verses, segmentation, width=8, epochs=1)
    assert len(vectors.words) > 500
    assert np.average([len(word) for word in vectors.words], weights=vectors.counts) > 1.1


def test_another_seed_gives_other_vectors(english):
    one, other = (train_vectors(english[:500], "spaces", width=8, epochs=1, seed=s).matrix for s in (0, 1))
    assert not np.array_equal(one, other)


def test_a_line_of_any_length_is_used_completely():
    line = " ".join(f"w{i % 7000}" for i in range(28_000))
    assert len(train_vectors([line], "spaces", width=4, epochs=1).words) == 7000


@pytest.mark.parametrize("lines", [[], ["one two three"], ["..."]])
def test_too_little_text_is_refused(lines):
    with pytest.raises(VectorsError, match="pass more text"):
        train_vectors(lines, "spaces")
