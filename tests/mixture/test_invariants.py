"""Whatever a Mixture is made of, it is refused or can be applied: nothing reads beyond the old rows."""

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from vocabx.errors import InitializerError
from vocabx.mixture.draws import Draws
from vocabx.mixture.initialization import Initialization, everywhere
from vocabx.mixture.mixture import Mixture, from_entries, from_rows, without_rows

OLD, NEW, WIDTH = 20, 5, 6
TABLE = np.random.RandomState(5).standard_normal((OLD, WIDTH))
DTYPES = (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)


def csr(indices, data, pointer, shape=(NEW, OLD), **dtypes):
    data = np.asarray(data, dtypes.get("data", np.float64))
    return sparse.csr_array((data, np.asarray(indices), np.asarray(pointer)), shape=shape)


def sound() -> Mixture:
    return from_rows([([1, 2], [0.5, 0.5]), ([3], [1]), ([4], [1]), ([5], [1]), ([6], [1])], OLD)


def said(call) -> str:
    """The one sentence with which `call` is refused."""
    with pytest.raises(InitializerError) as caught:
        call()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    return str(caught.value)


ids = st.integers(-(2**40), 2**40) | st.integers(-2, OLD + 2)
weights = st.floats(width=64) | st.floats(-2, 2)


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(ids, weights), max_size=4), max_size=NEW))
def test_rows_of_any_ids_and_weights_are_refused_or_are_the_product_in_float64(rows):
    made = [([i for i, _ in row], [w for _, w in row]) for row in rows]
    fits = all(0 <= i < OLD and np.isfinite(w) for row in rows for i, w in row)
    # Beyond float32 a product is refused when it is made; that is another test.
    assume(all(abs(w) < 1e30 or not np.isfinite(w) for row in rows for _, w in row))
    if not fits:
        said(lambda: from_rows(made, OLD))
        return
    expected = np.zeros((len(rows), WIDTH))
    scale = np.ones((len(rows), 1))
    for n, row in enumerate(rows):
        for i, w in row:
            expected[n] += w * TABLE[i]
            scale[n] = max(scale[n, 0], abs(w))
    found = from_rows(made, OLD).apply(TABLE) / scale
    np.testing.assert_allclose(found, expected / scale, rtol=1e-6, atol=1e-6)


@settings(deadline=None)
@given(
    st.lists(st.tuples(ids, ids, weights), max_size=12),
    st.integers(1, NEW),
    st.integers(1, OLD),
)
def test_entries_of_any_places_are_refused_or_are_the_dense_matrix(entries, rows, old_rows):
    new, old, data = (np.array([entry[n] for entry in entries], kind) for n, kind in enumerate("qqd"))
    fits = ((new >= 0) & (new < rows) & (old >= 0) & (old < old_rows) & np.isfinite(data)).all()
    if not fits:
        said(lambda: from_entries(new, old, data, rows, old_rows))
        return
    dense = np.zeros((rows, old_rows))
    np.add.at(dense, (new, old), data)
    assume(np.isfinite(dense).all())
    np.testing.assert_allclose(from_entries(new, old, data, rows, old_rows).weights.toarray(), dense)


@settings(deadline=None)
@given(data=st.data())
def test_the_same_rows_come_of_a_matrix_that_is_padded_mapped_or_strided(tmp_path_factory, data):
    dtype = np.dtype(data.draw(st.sampled_from(DTYPES)))
    rows = data.draw(
        st.lists(st.lists(st.integers(0, OLD - 1), min_size=1, max_size=6), min_size=1, max_size=9)
    )
    mixture = from_rows([(row, np.full(len(row), 1 / len(row))) for row in rows], OLD)
    table = TABLE.astype(dtype)
    expected = np.stack([table[row].astype(np.float64).mean(axis=0) for row in rows])
    padded = np.full((OLD + 7, WIDTH), np.nan, dtype)
    padded[:OLD] = table
    path = tmp_path_factory.mktemp("table") / "table.bin"
    padded.tofile(path)
    strided = np.zeros((2 * OLD, 2 * WIDTH), dtype)[::2, ::2]
    strided[:] = table
    forms = (
        table, padded, np.memmap(path, dtype, "r", shape=padded.shape), strided, np.asfortranarray(table)
    )  # fmt: skip
    for form in forms:
        found = mixture.apply(form)
        assert found.dtype == np.float32 and found.shape == (len(rows), WIDTH)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_a_mean_and_draws_are_those_of_float64(seed):
    random = np.random.RandomState(seed)
    weights = sparse.csr_array(np.where(np.arange(4)[:, None] == 0, random.random((4, OLD)), 0))
    mixture = Mixture(weights, np.array([0.25, 1, 0, 0]), Draws(np.array([2, 3]), "diagonal", 0.5, seed))
    expected = weights.toarray() @ TABLE + mixture.uniform[:, None] * TABLE.mean(axis=0)
    noise = np.random.RandomState(seed).standard_normal((4, WIDTH)) * np.sqrt(0.5) * TABLE.std(axis=0)
    expected[2:] = TABLE.mean(axis=0) + noise[2:]
    np.testing.assert_allclose(mixture.apply(TABLE), expected, rtol=1e-6, atol=1e-6)


def test_the_id_that_follows_the_last_old_token_is_refused_however_the_mixture_is_made():
    assert "a piece of new row 0 is 20: pass ids from 0 to 19" in said(
        lambda: from_rows([([OLD], [1.0])], OLD)
    )
    one = np.zeros(1, np.int64)
    assert "an old token id is 20" in said(lambda: from_entries(one, one + OLD, np.ones(1), 1, OLD))
    weights = csr([OLD], [1.0], [0, 1], (1, OLD))
    assert "an old token id is 20" in said(lambda: Mixture(weights, np.zeros(1)))
    assert "20" in said(lambda: sound().copying({0: OLD}))
    assert "a new row is 5" in said(lambda: sound().copying({NEW: 0}))


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (np.ones((NEW, OLD)), "the weights are ndarray of float64: pass a scipy.sparse.csr_array"),
        (sparse.csr_matrix(np.eye(NEW, OLD)), "the weights are csr_matrix of float64"),
        (sparse.csr_array(np.eye(NEW, OLD, dtype=np.float32)), "the weights are csr_array of float32"),
        (None, "the weights are NoneType"),
        (sparse.csr_array((NEW, 0), dtype=np.float64), "have the shape (5, 0)"),
        (csr([-1], [1.0], [0, 1, 1, 1, 1, 1]), "an old token id is -1"),
        (csr([1, 2, 3], [1.0] * 3, [0, 2, 1, 3, 3, 3]), "no sound CSR matrix"),
        (csr([2, 1], [0.5, 0.5], [0, 2, 2, 2, 2, 2]), "not ascending, or one is there twice"),
        (csr([1, 1], [0.5, 0.5], [0, 2, 2, 2, 2, 2]), "not ascending, or one is there twice"),
        (csr([1], [np.nan], [0, 1, 1, 1, 1, 1]), "the weights hold NaN"),
    ],
)
def test_weights_that_are_no_sound_csr_matrix_of_old_tokens_are_refused(weights, sentence):
    assert sentence in said(lambda: Mixture(weights, np.zeros(NEW)))


@pytest.mark.parametrize(
    ("uniform", "sentence"),
    [
        ([0.0] * NEW, "the weights of the mean are list: pass an array"),
        (np.zeros((NEW, 1)), "of one dimension of float64"),
        (np.zeros(NEW, np.float32), "ndarray of float32"),
        (np.zeros(NEW + 1), "there are 6 weights of the mean and 5 new rows"),
        (np.full(NEW, np.inf), "the weights of the mean hold NaN or infinity"),
    ],
)
def test_weights_of_the_mean_are_one_finite_number_for_each_new_row(uniform, sentence):
    assert sentence in said(lambda: replace(sound(), uniform=uniform))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": [1]}, "the rows that are drawn are list"),
        ({"rows": np.array([1.0])}, "ndarray of float64: pass an array of one dimension of int64"),
        ({"rows": np.array([2, 1])}, "not ascending"),
        ({"rows": np.array([1, 1])}, "not ascending"),
        ({"covariance": "none"}, "the covariance of draws is 'none': pass diagonal or full"),
        ({"scale": -1.0}, "the scale of draws is -1.0"),
        ({"scale": np.nan}, "the scale of draws is nan"),
        ({"scale": "1"}, "the scale of draws is '1'"),
        ({"seed": -1}, "the seed is -1: pass a whole number from 0 to 4,294,967,295"),
        ({"seed": 2**32}, "the seed is 4294967296"),
        ({"seed": 1.5}, "the seed is 1.5"),
        ({"seed": True}, "the seed is True"),
    ],
)
def test_draws_that_numpy_could_not_make_are_refused(change, sentence):
    good = {"rows": np.array([0]), "covariance": "full", "scale": 1.0, "seed": 0}
    assert sentence in said(lambda: Draws(**{**good, **change}))


def test_a_row_that_is_drawn_is_one_of_the_new_and_has_no_weights():
    draws = Draws(np.array([0, NEW]), "diagonal", 1.0, 0)
    assert "a row that is drawn is 5" in said(lambda: without_rows(NEW, OLD, 0.0, draws))
    assert "has weights, too" in said(lambda: sound().drawing(Draws(np.array([0]), "diagonal", 1.0, 0)))
    one = Draws(np.array([0]), "diagonal", 1.0, 0)
    assert "has weights, too" in said(lambda: without_rows(NEW, OLD, 1.0, one))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (TABLE.tolist(), "the embedding matrix is a list: pass a numpy array"),
        (TABLE[0], "has the shape (6,): pass a numpy array of two dimensions"),
        (TABLE[None], "has the shape (1, 20, 6)"),
        (TABLE.astype(np.int8), "the embedding matrix is of int8"),
        (TABLE.astype(np.complex128), "is of complex128: pass a numpy array of float16, float32, float64 or"),
        (TABLE.astype(ml_dtypes.float8_e4m3fn), "is of float8_e4m3fn"),
        (TABLE[:-1], "the embedding matrix has 19 rows and the tokenizer 20 tokens"),
        (None, "the embedding matrix is a NoneType"),
    ],
)
def test_a_matrix_of_another_kind_or_shape_is_refused(table, sentence):
    assert sentence in said(lambda: sound().apply(table))
    assert sentence in said(lambda: everywhere(sound(), rank=2).apply("input", table))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_no_row_of_nan_comes_of_a_matrix_that_holds_some(number):
    table = TABLE.copy()
    table[2, 3] = number
    assert "new row 0 comes out as NaN or infinity" in said(lambda: sound().apply(table))
    # Only what is mixed is looked at.
    assert np.isfinite(from_rows([([3], [1.0])], OLD).apply(table)).all()
    for mixture in (
        without_rows(2, OLD, 1.0, None),
        without_rows(2, OLD, 0.0, Draws(np.arange(2), "diagonal", 1.0, 0)),
        without_rows(2, OLD, 0.0, Draws(np.arange(2), "full", 1.0, 0)),
    ):
        assert "NaN or infinity" in said(lambda mixture=mixture: mixture.apply(table))
    assert "NaN or infinity" in said(lambda: everywhere(sound(), rank=2).apply("input", table))


def test_numbers_that_float32_cannot_hold_are_not_passed_on_as_infinity():
    assert "beyond float32" in said(lambda: sound().apply(TABLE * 1e300))


@pytest.mark.parametrize("size", [0, -1, 1.0, None])
def test_a_block_has_a_row_at_least(size):
    assert "the number of rows in a block is" in said(lambda: list(sound().blocks(TABLE, size)))


@pytest.mark.parametrize("rank", [0, -1, 1.5, WIDTH + 1, OLD])
def test_a_rank_that_the_matrix_has_not_is_refused(rank):
    assert "--rank is" in said(lambda: everywhere(sound(), rank).apply("input", TABLE))


def test_a_matrix_is_called_by_one_of_three_names():
    assert "no matrix is called 'inputs': pass input, output, bias" in said(
        lambda: everywhere(sound()).apply("inputs", TABLE)
    )


def test_both_mixtures_make_the_same_tokens_of_the_same_tokens():
    other = from_rows([([1], [1.0])] * NEW, OLD - 1)
    sentence = said(lambda: Initialization(sound(), other))
    assert "the input is (5, 20) and that of the output (5, 19)" in sentence


@pytest.mark.parametrize(
    "rows",
    [
        [([0, 1], [-0.5, 1.5])],
        [([0], [0.5])],
        [([0, 1], [1.0, 1.0])],
        [([], [])],
    ],
)
def test_a_row_outside_the_hull_has_no_bound(rows):
    assert from_rows(rows, OLD).hull_bound() is None
    assert sound().hull_bound() is not None
