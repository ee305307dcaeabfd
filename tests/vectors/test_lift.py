import numpy as np
import pytest

from vocabx.errors import VectorsError
from vocabx.vectors.lift import lift_by_subwords, lift_by_words
from vocabx.vectors.read_vectors import load_vectors
from vocabx.vectors.space import WordVectors


def slow_lift(encode, size, vectors, weights, ways):
    """The definition, word by word: WECHSEL's and OFA's in one."""
    words_of: dict[int, list[int]] = {}
    for row, word in enumerate(vectors.words):
        for way in dict.fromkeys(ways(word)):
            for token in set(encode([way])[0]):
                words_of.setdefault(token, []).append(row)
    lifted = np.zeros((size, vectors.width))
    for token, rows in words_of.items():
        lifted[token] = np.average(vectors.matrix[rows].astype(float), axis=0, weights=weights[rows])
    return lifted


def plain_ways(word):
    return [word, " " + word]


def cased_ways(word):
    return [word, " " + word, word.capitalize(), " " + word.capitalize()]


@pytest.fixture(scope="module")
def mixed(glove, traditional):
    """Real English and Chinese words in one matrix: words without case, and words that repeat a token."""
    words = (*glove.words[:400], *traditional.words[1:200], "aaaaaa", "banana")
    words = tuple(dict.fromkeys(words))
    matrix = np.random.default_rng(0).standard_normal((len(words), 7)).astype(np.float32)
    return WordVectors(words, matrix, np.arange(len(words), 0, -1) ** 2, origin="a test")


def test_words_weigh_by_their_counts_as_in_wechsel(base, mixed):
    lifted = lift_by_words(base.encode, base.size, mixed, weighting="frequency")
    expected = slow_lift(base.encode, base.size, mixed, mixed.counts.astype(float), plain_ways)
    assert lifted.dtype == np.float32 and lifted.shape == (base.size, 7)
    assert np.allclose(lifted, expected, atol=1e-6)


def test_without_counts_words_weigh_by_their_rank(base, mixed):
    unknown = WordVectors(mixed.words, mixed.matrix, origin="a test")
    lifted = lift_by_words(base.encode, base.size, unknown, weighting="frequency")
    expected = slow_lift(base.encode, base.size, unknown, 1 / np.arange(1, len(mixed.words) + 1), plain_ways)
    assert np.allclose(lifted, expected, atol=1e-6)


@pytest.mark.parametrize("casing", [False, True])
def test_words_weigh_the_same_as_in_ofa(base, mixed, casing):
    lifted = lift_by_words(base.encode, base.size, mixed, weighting="plain", casing=casing)
    ways = cased_ways if casing else plain_ways
    expected = slow_lift(base.encode, base.size, mixed, np.ones(len(mixed.words)), ways)
    assert np.allclose(lifted, expected, atol=1e-6)
    assert (casing and lifted.any(axis=1).sum()) != lift_by_words(
        base.encode, base.size, mixed, weighting="plain"
    ).any(axis=1).sum()


def test_blocks_change_nothing(base, mixed, monkeypatch):
    whole = lift_by_words(base.encode, base.size, mixed, weighting="frequency", casing=True)
    monkeypatch.setattr("vocabx.vectors.lift._BLOCK", 37)
    told: list[float] = []
    parts = lift_by_words(
        base.encode, base.size, mixed, weighting="frequency", casing=True, advance=told.append
    )
    assert np.allclose(whole, parts, atol=1e-6)
    assert sum(told) == len(mixed.words) and len(told) > 10


def test_tokens_of_no_word_stay_zero(make):
    lifted = lift_by_words(lambda texts: [[1] for _ in texts], 4, make(["a", "b"]), weighting="plain")
    assert lifted[1].any() and not lifted[[0, 2, 3]].any()


@pytest.mark.slow
def test_four_hundred_thousand_words_are_lifted(base, glove):
    lifted = lift_by_words(base.encode, base.size, glove, weighting="frequency")
    assert lifted.any(axis=1).sum() > 20_000
    # " court" is a token of its own, and of few words beside its own: its vector is almost theirs.
    token, word = lifted[base.encode([" court"])[0][0]], glove.matrix[glove.index["court"]]
    assert token @ word / np.linalg.norm(token) / np.linalg.norm(word) > 0.95


def test_subwords_give_each_token_the_vector_of_its_text(fasttext_file):
    vectors = load_vectors(fasttext_file)
    lifted = lift_by_subwords([" law", None, "law", "", "  ", "lawful"], vectors)
    assert lifted.shape == (6, 12) and lifted.dtype == np.float32
    assert np.array_equal(lifted[0], lifted[2])
    assert np.array_equal(lifted[0], vectors.matrix[vectors.index["law"]])
    assert not lifted[[1, 3, 4]].any()
    assert np.array_equal(lifted[5], vectors.of_text("lawful"))


def test_vectors_of_whole_words_have_no_subwords(make):
    with pytest.raises(VectorsError, match="use lift_by_words"):
        lift_by_subwords(["a"], make(["a"]))
