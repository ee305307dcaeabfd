import numpy as np
import pytest

from vocabx.errors import VectorsError
from vocabx.vectors.lift import lift_by_subwords, lift_by_words
from vocabx.vectors.read_vectors import load_vectors
from vocabx.vectors.space import WordVectors


def slow_lift(encode, size, vectors, weights, forms):
    """The definition, word by word: WECHSEL's and OFA's in one."""
    words_of: dict[int, list[int]] = {}
    for row, word in enumerate(vectors.words):
        for form in dict.fromkeys(forms(word)):
            for token in set(encode([form])[0]):
                words_of.setdefault(token, []).append(row)
    lifted = np.zeros((size, vectors.width))
    for token, rows in words_of.items():
        lifted[token] = np.average(vectors.matrix[rows].astype(float), axis=0, weights=weights[rows])
    return lifted


def plain_forms(word):
    return [word, " " + word]


def cased_forms(word):
    return [word, " " + word, word.capitalize(), " " + word.capitalize()]


@pytest.fixture(scope="module")
def mixed(glove, traditional):
    """Real English and Chinese words in one matrix: some without case, some with a repeated token."""
    words = (*glove.words[:400], *traditional.words[1:200], "aaaaaa", "banana")
    words = tuple(dict.fromkeys(words))
    matrix = np.random.default_rng(0).standard_normal((len(words), 7)).astype(np.float32)
    return WordVectors(words, matrix, np.arange(len(words), 0, -1) ** 2, origin="a test")


def test_words_are_weighted_by_their_counts_as_in_wechsel(base, mixed):
    lifted = lift_by_words(base.encode, base.size, mixed, weighting="frequency")
    expected = slow_lift(base.encode, base.size, mixed, mixed.counts.astype(float), plain_forms)
    assert lifted.dtype == np.float32 and lifted.shape == (base.size, 7)
    assert np.allclose(lifted, expected, atol=1e-6)


def test_words_without_counts_are_weighted_by_rank(base, mixed):
    unknown = WordVectors(mixed.words, mixed.matrix, origin="a test")
    lifted = lift_by_words(base.encode, base.size, unknown, weighting="frequency")
    expected = slow_lift(base.encode, base.size, unknown, 1 / np.arange(1, len(mixed.words) + 1), plain_forms)
    assert np.allclose(lifted, expected, atol=1e-6)


@pytest.mark.parametrize("casing", [False, True])
def test_words_are_weighted_equally_as_in_ofa(base, mixed, casing):
    lifted = lift_by_words(base.encode, base.size, mixed, weighting="plain", casing=casing)
    forms = cased_forms if casing else plain_forms
    expected = slow_lift(base.encode, base.size, mixed, np.ones(len(mixed.words)), forms)
    assert np.allclose(lifted, expected, atol=1e-6)
    assert (casing and lifted.any(axis=1).sum()) != lift_by_words(
        base.encode, base.size, mixed, weighting="plain"
    ).any(axis=1).sum()


def test_the_block_size_does_not_change_the_result(base, mixed, monkeypatch):
    whole = lift_by_words(base.encode, base.size, mixed, weighting="frequency", casing=True)
    monkeypatch.setattr("vocabx.vectors.lift._BLOCK", 37)
    advanced: list[float] = []
    parts = lift_by_words(
        base.encode, base.size, mixed, weighting="frequency", casing=True, advance=advanced.append
    )
    assert np.allclose(whole, parts, atol=1e-6)
    assert sum(advanced) == len(mixed.words) and len(advanced) > 10


def test_tokens_in_no_word_stay_zero(make):
    lifted = lift_by_words(lambda texts: [[1] for _ in texts], 4, make(["a", "b"]), weighting="plain")
    assert lifted[1].any() and not lifted[[0, 2, 3]].any()


@pytest.mark.slow
def test_four_hundred_thousand_words_are_lifted(base, glove):
    lifted = lift_by_words(base.encode, base.size, glove, weighting="frequency")
    assert lifted.any(axis=1).sum() > 20_000
    # The token " court" is in few words besides "court", so their vectors are almost equal.
    token, word = lifted[base.encode([" court"])[0][0]], glove.matrix[glove.index["court"]]
    assert token @ word / np.linalg.norm(token) / np.linalg.norm(word) > 0.95


def test_lifting_by_subwords_gives_each_token_the_vector_of_its_text(fasttext_file):
    vectors = load_vectors(fasttext_file)
    lifted = lift_by_subwords([" law", None, "law", "", "  ", "lawful"], vectors)
    assert lifted.shape == (6, 12) and lifted.dtype == np.float32
    assert np.array_equal(lifted[0], lifted[2])
    assert np.array_equal(lifted[0], vectors.matrix[vectors.index["law"]])
    assert not lifted[[1, 3, 4]].any()
    assert np.array_equal(lifted[5], vectors.of_text("lawful"))


def test_vectors_of_whole_words_cannot_be_lifted_by_subwords(make):
    with pytest.raises(VectorsError, match="use lift_by_words"):
        lift_by_subwords(["a"], make(["a"]))
