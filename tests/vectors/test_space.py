import numpy as np
import pytest

from vocabx.errors import VectorsError
from vocabx.vectors.space import WordVectors, distinct


def test_rows_with_nan_or_infinity_are_refused_with_their_count_and_first_word(make):
    matrix = np.ones((70_000, 2), dtype=np.float32)
    matrix[66_000], matrix[69_000, 1] = np.nan, np.inf
    with pytest.raises(VectorsError, match=r"2 vectors hold NaN or infinity, the first is that of 'w66000'"):
        make([f"w{i}" for i in range(70_000)], matrix)


@pytest.mark.parametrize(
    ("words", "shape", "counts", "said"),
    [
        ((), (0, 3), None, "empty"),
        (("a",), (1, 0), None, "empty"),
        (("a", "b"), (1, 3), None, "2 words but 1 vectors"),
        (("a", "a"), (2, 3), None, "1 words are repeated"),
        (("a", "b"), (2, 3), [1], "2 words but 1 counts"),
    ],
)
def test_inconsistent_vectors_are_refused(make, words, shape, counts, said):
    with pytest.raises(VectorsError, match=said):
        make(words, np.ones(shape), counts)


def test_the_first_row_of_a_repeated_word_is_kept():
    words, matrix, counts = distinct(["a", "b", "", "a"], np.arange(8.0).reshape(4, 2), np.arange(4))
    assert words == ("a", "b")
    assert matrix.tolist() == [[0, 1], [2, 3]] and counts.tolist() == [0, 1]


def test_reducing_keeps_the_subspace_that_the_vectors_lie_in(make):
    random = np.random.default_rng(0)
    flat = random.standard_normal((500, 3)) @ random.standard_normal((3, 8))
    reduced = make([f"w{i}" for i in range(500)], flat).reduced(3)
    assert reduced.matrix.shape == (500, 3) and reduced.matrix.dtype == np.float32
    assert np.allclose(reduced.matrix @ reduced.matrix.T, flat @ flat.T, atol=1e-4)


def test_reducing_takes_the_principal_components(glove):
    """The oracle is numpy's singular value decomposition of the centered rows, up to signs."""
    some = WordVectors(glove.words[:3000], glove.matrix[:3000], origin="some")
    centered = some.matrix.astype(float) - some.matrix.mean(axis=0, dtype=float)
    axes = np.linalg.svd(centered, full_matrices=False)[2][:10]
    expected = some.matrix.astype(float) @ axes.T
    assert np.allclose(np.abs(some.reduced(10).matrix), np.abs(expected), atol=1e-3)


def test_reducing_also_reduces_the_vectors_of_texts(make):
    vectors = make(["a", "b", "c", "d", "e"])
    of_any_text = WordVectors(vectors.words, vectors.matrix, None, lambda text: vectors.matrix[1], "a test")
    reduced = of_any_text.reduced(2)
    assert np.allclose(reduced.of_text("anything"), reduced.matrix[1], atol=1e-6)


@pytest.mark.parametrize("width", [0, 4, 5])
def test_reducing_to_a_width_that_is_not_smaller_is_refused(make, width):
    with pytest.raises(VectorsError, match="cannot reduce"):
        make(["a", "b"]).reduced(width)
