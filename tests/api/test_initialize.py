"""Initializers from arrays alone: arrays are refused in one sentence, or give the rows of float64."""

import dense_initializers as oracle
import ml_dtypes
import numpy as np
import pytest
import tiny_models
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.api import INITIALIZERS, LINE_END, InitializerOptions, TokenVectors, initialize
from vocabx.errors import InitializerError

V, N, S, D = 40, 5, 6, 8
RANDOM = np.random.RandomState(3)
MATRIX = RANDOM.standard_normal((V, D)) + 0.5
OUTPUT = RANDOM.standard_normal((V, D)) - 0.5
PIECES = [[3, 7], [5], [9, 9, 1], [7, 3], [39]]
SOURCE, TARGET = RANDOM.standard_normal((V, S)), RANDOM.standard_normal((N, S))
TARGET[3] = 0
TEXT = np.append(RANDOM.randint(0, V + N, 500), LINE_END)
MODEL = tiny_models.tiny_model("llama", rows=V, tied=False, hidden_size=D)
TOKENS = ["ab", "c", b"ddb", "ba", "z"]
FEW = InitializerOptions(candidates=9)
EVERYTHING = {
    "tokens": TOKENS,
    "old_tokens": [None] * 39 + ["z"],
    "vectors": (SOURCE, TARGET),
    "text": TEXT,
    "scripts": ["Latin"],
    "model": MODEL,
    "options": InitializerOptions(candidates=12),
    "seed": 11,
}


def said(**changes) -> str:
    """The one sentence with which `initialize` refuses what it is given."""
    given = {"method": "zip-tie", "embeddings": MATRIX, "pieces": PIECES, **changes}
    with pytest.raises(InitializerError) as caught:
        initialize(given.pop("method"), given.pop("embeddings"), given.pop("pieces"), **given)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    return str(caught.value)


@pytest.mark.parametrize("method", INITIALIZERS)
def test_every_method_takes_the_same_arguments_and_makes_a_finite_row_for_each_token(method):
    initialization = initialize(method, MATRIX, PIECES, output_embeddings=OUTPUT, **EVERYTHING)
    for which, matrix in (("input", MATRIX), ("output", OUTPUT), ("bias", OUTPUT[:, :1])):
        rows = initialization.apply(which, matrix)
        assert (rows.dtype, rows.shape) == (np.float32, (N, matrix.shape[1]))
        assert np.isfinite(rows).all()
    again = initialize(method, MATRIX, PIECES, output_embeddings=OUTPUT, **EVERYTHING)
    assert again.digest() == initialization.digest()


@pytest.mark.parametrize("method", INITIALIZERS)
def test_rows_that_pad_the_matrix_take_no_part_and_copies_are_kept(method):
    padded = np.concatenate([MATRIX, np.full((9, D), np.nan)])
    given = {**EVERYTHING, "output_embeddings": OUTPUT, "copies": {1: 20}}
    rows = initialize(method, padded, PIECES, old_rows=V, **given).apply("input", padded)
    np.testing.assert_array_equal(rows, initialize(method, MATRIX, PIECES, **given).apply("input", MATRIX))
    np.testing.assert_array_equal(rows[1], MATRIX[20].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
def test_the_blends_are_those_of_the_plain_float64_version_for_every_dtype(dtype):
    matrix = MATRIX.astype(dtype)
    given = {
        "vectors": (SOURCE, TARGET),
        "seed": 7,
        "options": InitializerOptions(neighbours=5, temperature=0.3),
    }
    for method in ("wechsel", "ofa"):
        rows = initialize(method, matrix, PIECES, **given).apply("input", matrix)
        expected = oracle.wechsel(SOURCE, TARGET, matrix.astype(np.float64), 5, 0.3, {}, 7)
        np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=1e-5)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, V - 1), min_size=1, max_size=5), min_size=1, max_size=8),
    st.sampled_from([list, tuple, np.array, lambda row: np.array(row, np.uint16)]),
)
def test_pieces_of_any_kind_of_sequence_give_their_mean_in_float64(pieces, kind):
    rows = initialize("zip-tie", MATRIX, [kind(row) for row in pieces]).apply("input", MATRIX)
    expected = [MATRIX[row].mean(axis=0) for row in pieces]
    np.testing.assert_allclose(rows, expected, rtol=1e-6, atol=1e-6)
    named = {str(number).encode(): row for number, row in enumerate(pieces)}
    np.testing.assert_array_equal(initialize("zip-tie", MATRIX, named).apply("input", MATRIX), rows)


numbers = st.integers(-(2**70), 2**70) | st.floats() | st.none() | st.text(max_size=2)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, V - 1) | numbers, max_size=3), max_size=4) | numbers)
def test_pieces_of_anything_are_refused_in_one_sentence_or_mixed(pieces):
    fits = isinstance(pieces, list) and all(
        row and all(type(piece) is int and 0 <= piece < V for piece in row) for row in pieces
    )
    if fits:
        assert np.isfinite(initialize("zip-tie", MATRIX, pieces).apply("input", MATRIX)).all()
    else:
        said(pieces=pieces)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pieces": [[3], [V]]}, "a piece of new token 1 is 40: pass ids from 0 to 39"),
        ({"pieces": [[3], [-1]]}, "a piece of new token 1 is -1: pass ids from 0 to 39"),
        ({"pieces": [[3], [39]], "old_rows": 39}, "a piece of new token 1 is 39: pass ids from 0 to 38"),
        ({"pieces": [[3], []]}, "new token 1 has no pieces"),
        ({"pieces": [[3], [1.0]]}, "the pieces of new token 1 are no list of integers"),
        ({"pieces": [[3], [[1], [2, 3]]]}, "the pieces of new token 1 are no array"),
        ({"pieces": [[3], [True]]}, "the pieces of new token 1 are no list of integers"),
        ({"pieces": [3, 4]}, "the pieces of new token 0 are no list of integers"),
        ({"pieces": [["3"]]}, "the pieces of new token 0 are no list of integers"),
        ({"pieces": 3}, "the pieces are a int"),
        ({"embeddings": MATRIX.tolist()}, "the embedding matrix is a list"),
        ({"embeddings": MATRIX[0]}, "the embedding matrix has the shape (8,)"),
        ({"embeddings": MATRIX.astype(int)}, "the embedding matrix is of int64"),
        ({"embeddings": MATRIX[:0]}, "the embedding matrix has 0 rows"),
        ({"old_rows": V + 1}, "the embedding matrix has 40 rows and the tokenizer 41 tokens"),
        ({"old_rows": 0}, "old_rows is 0: pass a whole number from 1 on"),
        ({"old_rows": 39.0}, "old_rows is 39.0"),
        ({"output_embeddings": OUTPUT[:-1]}, "the embedding matrix has 39 rows"),
        ({"output_embeddings": OUTPUT[:, 1:]}, "the matrices are 8 and 7 wide"),
        ({"tokens": TOKENS[:-1]}, "tokens are 4 and not 5: pass one for each token"),
        ({"tokens": "abcde"}, "tokens is a str: pass a list of tokens"),
        ({"tokens": [1] * 5}, "tokens[0] is a int: pass strings or bytes"),
        ({"old_tokens": [None]}, "old_tokens are 1 and not 40"),
        ({"vectors": SOURCE}, "vectors are no pair"),
        ({"vectors": (SOURCE[1:], TARGET)}, "of the old tokens have the shape (39, 6): pass (40, S)"),
        ({"vectors": (SOURCE, TARGET[1:])}, "the vectors of the new tokens have the shape (4, 6)"),
        ({"vectors": (SOURCE, TARGET[:, 1:])}, "are 6 wide and those of the new ones 5"),
        ({"vectors": (SOURCE, TARGET[:, :0])}, "have the shape (5, 0)"),
        ({"vectors": (SOURCE.astype(int), TARGET)}, "vectors of the old tokens are of int64: pass floats"),
        ({"vectors": ([[1.0], [1.0, 2.0]], TARGET)}, "the vectors of the old tokens are no array"),
        ({"vectors": TokenVectors(SOURCE, TARGET * np.nan)}, "the vectors of the new tokens hold NaN"),
        ({"vectors": (SOURCE, TARGET * 1e300)}, "the vectors of the new tokens hold NaN or infinity"),
        ({"text": [0.5]}, "text has the shape (1,) and is of float64"),
        ({"text": [[1]]}, "text has the shape (1, 1)"),
        ({"text": [1, V + N]}, "an id of text is 45: pass ids from 0 to 44"),
        ({"text": [1, -2]}, "an id of text is -2"),
        ({"copies": {N: 0}}, "a new token of copies is 5: pass a whole number from 0 to 4"),
        ({"copies": {0: V}}, "an old token of copies is 40"),
        ({"copies": {0: 1.5}}, "an old token of copies is 1.5"),
        ({"seed": -1}, "the seed is -1"),
        ({"seed": 2**32}, "the seed is 4294967296"),
        ({"options": {"rank": 3}}, "options are a dict: pass InitializerOptions"),
        ({"method": "ziptie"}, "unknown initializer 'ziptie'. Did you mean zip-tie?"),
        ({"method": "cw2v"}, "cw2v learns from text: pass text=tokenize_text(…)"),
        ({"method": "first-piece", "text": TEXT}, "first-piece computes with the base on text: pass model"),
        ({"method": "first-piece", "model": MODEL}, "first-piece computes with the base on text: pass model"),
        (
            {"method": "first-piece", "model": MODEL, "text": [LINE_END], "output_embeddings": OUTPUT},
            "learns from text in the language, but there is none",
        ),
        (
            {"method": "first-piece", "model": MODEL.model, "text": TEXT, "output_embeddings": OUTPUT},
            "a LlamaModel has no lm_head: pass a transformers model that predicts the next token",
        ),
        ({"scripts": "Han"}, "scripts is a str: pass a list of names"),
        ({"scripts": ["Klingon"]}, "there is no script 'Klingon': pass names of Unicode"),
        ({"scripts": [3]}, "there is no script 3"),
        ({"method": "wechsel"}, "wechsel goes by static vectors of tokens: pass vectors=(old, new)"),
        ({"method": "focus"}, "focus goes by vectors of tokens: pass vectors=(old, new), or text="),
        ({"method": "cw2v", "text": TEXT}, "--candidates is 64: pass 1 to 40, the number of old tokens"),
        (
            {"method": "cw2v", "text": TEXT, "embeddings": MATRIX * np.nan, "options": FEW},
            "NaN or infinity",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_sentence(change, sentence):
    assert sentence in said(**change)


def test_focus_trains_its_vectors_on_the_text_that_it_is_given():
    text = np.array([*([3, 40, 7, 41, LINE_END] * 60)])
    initialization = initialize("focus", MATRIX, PIECES, text=text, seed=5)
    weights = initialization.input.weights.toarray()
    # Only what the text holds often enough has a vector: two old tokens, and two of the new ones.
    assert set(np.flatnonzero(weights.any(axis=0))) <= {3, 7}
    assert initialization.input.draws.rows.tolist() == [2, 3, 4]


@pytest.mark.parametrize("method", ["focus", "univariate", "wechsel"])
def test_the_largest_seed_is_one(method):
    given = {**EVERYTHING, "vectors": None if method == "focus" else (SOURCE, TARGET), "seed": 2**32 - 1}
    assert np.isfinite(initialize(method, MATRIX, PIECES, **given).apply("input", MATRIX)).all()


def test_a_rank_is_refused_when_the_matrix_has_it_not():
    options = InitializerOptions(rank=D + 1)
    initialization = initialize("ofa", MATRIX, PIECES, vectors=(SOURCE, TARGET), options=options)
    with pytest.raises(InitializerError, match="--rank is 9: an embedding matrix of 40 rows and width 8"):
        initialization.apply("input", MATRIX)
