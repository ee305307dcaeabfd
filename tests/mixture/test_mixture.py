import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.mixture.draws import Draws
from vocabx.mixture.mixture import Mixture, from_rows, without_rows

RANDOM = np.random.RandomState(7)
TABLE = RANDOM.standard_normal((50, 12)).astype(np.float32)


def dense(mixture: Mixture) -> np.ndarray:
    return mixture.weights.toarray() + mixture.uniform[:, None] / mixture.old_rows


@st.composite
def mixtures(draw):
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        ids = draw(st.lists(st.integers(0, 49), min_size=1, max_size=6))
        weights = np.array(draw(st.lists(st.floats(0.01, 1), min_size=len(ids), max_size=len(ids))))
        rows.append((np.array(ids), weights / weights.sum()))
    return from_rows(rows, 50)


@settings(deadline=None)
@given(mixtures())
def test_applying_equals_the_dense_float64_product(mixture):
    expected = dense(mixture) @ TABLE.astype(np.float64)
    np.testing.assert_allclose(mixture.apply(TABLE), expected, rtol=1e-6, atol=1e-6)


@settings(deadline=None)
@given(mixtures())
def test_the_weights_of_a_row_sum_to_one(mixture):
    np.testing.assert_allclose(dense(mixture).sum(axis=1), 1)


@settings(deadline=None)
@given(mixtures(), st.integers(0, 2**31))
def test_no_hidden_state_prefers_a_new_token_to_all_old_ones(mixture, seed):
    hidden = np.random.RandomState(seed).standard_normal((64, 12)).astype(np.float32) * 10
    old, new = hidden @ TABLE.T, hidden @ mixture.apply(TABLE).T
    assert (new.max(axis=1) <= old.max(axis=1) + 1e-4).all()


@settings(deadline=None)
@given(mixtures(), st.integers(0, 2**31))
def test_the_hull_bound_is_never_exceeded(mixture, seed):
    hidden = np.random.RandomState(seed).standard_normal((64, 12)) * 5
    old = hidden @ TABLE.astype(np.float64).T
    new = hidden @ (dense(mixture) @ TABLE).T
    # KL(old ‖ new) is the log of the factor by which new tokens reduce each old probability.
    log_old, log_all = (np.logaddexp.reduce(x, axis=1) for x in (old, np.concatenate([old, new], axis=1)))
    assert (log_all - log_old).max() <= mixture.hull_bound() + 1e-9


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_sampling_in_blocks_gives_the_same_rows_as_sampling_at_once(covariance, size):
    draws = Draws(np.array([0, 3, 4, 9]), covariance, 0.5, seed=1234)
    mixture = without_rows(10, 50, 0.0, draws)
    blocks = np.concatenate(list(mixture.blocks(TABLE, size)))
    noise = np.random.RandomState(1234).standard_normal((10, 12))[[0, 3, 4, 9]]
    table = TABLE.astype(np.float64)
    if covariance == "diagonal":
        spread = noise * np.sqrt(0.5) * table.std(axis=0)
    else:
        values, vectors = np.linalg.eigh(0.5 * np.cov(table.T, bias=True))
        spread = noise @ (vectors @ np.diag(np.sqrt(values)) @ vectors.T)
    np.testing.assert_allclose(blocks[[0, 3, 4, 9]], table.mean(axis=0) + spread, rtol=1e-5, atol=1e-5)
    assert not blocks[[1, 2, 5]].any()


def test_padding_rows_have_no_influence():
    poisoned = np.concatenate([TABLE, np.full((6, 12), np.nan, dtype=np.float32)])
    for mixture in (
        without_rows(3, 50, 1.0, None),
        without_rows(3, 50, 0.0, Draws(np.arange(3), "diagonal", 1.0, 0)),
        from_rows([(np.array([49]), np.ones(1))], 50),
    ):
        np.testing.assert_array_equal(mixture.apply(poisoned), mixture.apply(TABLE))


def test_16_bit_embeddings_are_mixed_in_higher_precision():
    table = TABLE.astype(ml_dtypes.bfloat16)
    mixture = from_rows([(np.arange(50), np.full(50, 1 / 50))], 50)
    expected = table.astype(np.float64).mean(axis=0, keepdims=True)
    np.testing.assert_allclose(mixture.apply(table), expected, rtol=1e-6, atol=1e-7)


def test_only_the_rows_that_are_mixed_are_read():
    class Watched:
        shape = TABLE.shape

        def __init__(self):
            self.read = set()

        def __getitem__(self, rows):
            self.read |= set(np.asarray(rows).tolist())
            return TABLE[rows]

    table = Watched()
    from_rows([(np.array([3, 3, 8]), np.full(3, 1 / 3))], 50).apply(table)
    assert table.read == {3, 8}


def test_equal_rows_count_as_collisions_and_sampled_rows_do_not():
    ids = [np.array([1, 2]), np.array([2, 1]), np.array([4]), np.array([1, 3])]
    mixture = from_rows([(i, np.full(len(i), 1 / len(i))) for i in ids], 50)
    assert mixture.collisions() == 2
    assert without_rows(5, 50, 1.0, None).collisions() == 5
    assert without_rows(5, 50, 0.0, Draws(np.arange(5), "diagonal", 1.0, 0)).collisions() == 0


def test_there_is_no_hull_bound_with_a_sampled_row():
    assert without_rows(5, 50, 0.0, Draws(np.arange(5), "diagonal", 1.0, 0)).hull_bound() is None


def test_appended_rows_are_the_mean_and_the_others_are_unchanged():
    mixture = from_rows([(np.array([1]), np.ones(1))], 50)
    padded = mixture.followed_by_means(2).apply(TABLE)
    np.testing.assert_array_equal(padded[:1], TABLE[1:2])
    np.testing.assert_allclose(
        padded[1:], TABLE.mean(axis=0, keepdims=True).repeat(2, axis=0), rtol=1e-5, atol=1e-6
    )
