"""Mixtures with an explicit addition: rows that were learned, on top of what old rows are mixed to."""

import math
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from vocabx.errors import InitializerError
from vocabx.mixture.draws import Draws
from vocabx.mixture.initialization import Initialization, everywhere
from vocabx.mixture.mixture import Mixture, from_rows, without_rows

OLD, NEW, WIDTH = 20, 5, 6
RANDOM = np.random.RandomState(5)
TABLE = RANDOM.standard_normal((OLD, WIDTH))
SHIFT = RANDOM.standard_normal((NEW, WIDTH)).astype(np.float32)


def copies() -> Mixture:
    """New row i is a copy of old row i + 1."""
    return from_rows([([row + 1], [1.0]) for row in range(NEW)], OLD)


@st.composite
def shifted(draw):
    """Weights, a mean, draws and a shift, in any combination of rows."""
    seed = draw(st.integers(0, 2**31))
    random = np.random.RandomState(seed)
    drawn = np.flatnonzero(random.random(NEW) < 0.3)
    weights = np.where(random.random((NEW, OLD)) < 0.2, random.standard_normal((NEW, OLD)), 0)
    uniform = np.where(random.random(NEW) < 0.3, random.random(NEW), 0)
    weights[drawn], uniform[drawn] = 0, 0
    shift = np.where(random.random((NEW, 1)) < 0.7, random.standard_normal((NEW, WIDTH)), 0)
    draws = Draws(drawn, "diagonal", 0.5, seed) if len(drawn) else None
    return Mixture(sparse.csr_array(weights), uniform, draws, shift.astype(np.float32))


def expected_rows(mixture: Mixture, table: np.ndarray) -> np.ndarray:
    """The formula, row by row in float64."""
    rows = np.zeros((mixture.rows, table.shape[1]))
    noise = None
    if mixture.draws is not None:
        noise = np.random.RandomState(mixture.draws.seed).standard_normal(rows.shape)
    for n in range(mixture.rows):
        for old in range(OLD):
            rows[n] += (mixture.weights.toarray()[n, old] + mixture.uniform[n] / OLD) * table[old]
        if noise is not None and n in mixture.draws.rows:
            rows[n] += table.mean(axis=0) + noise[n] * np.sqrt(mixture.draws.scale) * table.std(axis=0)
        rows[n] += mixture.shift[n].astype(np.float64)
    return rows


@settings(deadline=None)
@given(
    shifted(), st.sampled_from([1, 2, 4096]), st.sampled_from([np.float64, np.float32, ml_dtypes.bfloat16])
)
def test_a_shift_is_added_to_mixed_and_drawn_rows_in_blocks_of_any_size(mixture, size, dtype):
    table = TABLE.astype(dtype)
    found = np.concatenate(list(mixture.blocks(table, size)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected_rows(mixture, table.astype(np.float64)), rtol=1e-5, atol=1e-5)


@settings(deadline=None)
@given(shifted(), st.data())
def test_replaced_rows_lose_their_shift_and_all_others_stay(mixture, data):
    chosen = sorted(data.draw(st.sets(st.integers(0, NEW - 1), min_size=1)))
    others = np.setdiff1d(np.arange(NEW), chosen)
    before = mixture.apply(TABLE)
    copied = mixture.copying(dict.fromkeys(chosen, 7)).apply(TABLE)
    np.testing.assert_array_equal(copied[chosen], np.tile(TABLE[7], (len(chosen), 1)).astype(np.float32))
    np.testing.assert_array_equal(copied[others], before[others])
    averaged = mixture.averaging(chosen).apply(TABLE)
    np.testing.assert_allclose(averaged[chosen], np.tile(TABLE.mean(axis=0), (len(chosen), 1)), rtol=1e-5)
    np.testing.assert_array_equal(averaged[others], before[others])
    mixed = mixture.mixing_draws(copies())
    drawn = [] if mixture.draws is None else mixture.draws.rows
    np.testing.assert_array_equal(mixed.apply(TABLE)[drawn], TABLE[[row + 1 for row in drawn]].astype("f"))
    padded = mixture.followed_by_means(3).apply(TABLE)
    np.testing.assert_array_equal(padded[:NEW], before)
    np.testing.assert_allclose(padded[NEW:], np.tile(TABLE.mean(axis=0), (3, 1)), rtol=1e-5)


def test_only_a_shift_of_zeros_leaves_the_hull_bound_and_the_copies():
    shift = np.zeros((NEW, WIDTH), np.float32)
    assert copies().shifting(shift).hull_bound() == copies().hull_bound() == math.log(2)
    shift[3, 2] = -0.0
    assert copies().shifting(shift).copied()[0].tolist() == [0, 1, 2, 3, 4]
    shift[3, 2] = 1e-6
    mixture = copies().shifting(shift)
    assert mixture.hull_bound() is None
    assert mixture.copied()[0].tolist() == [0, 1, 2, 4]
    assert mixture.copied()[1].tolist() == [1, 2, 3, 5]


def test_rows_with_the_same_weights_and_another_shift_are_no_collision():
    same = from_rows([([1], [1.0])] * NEW, OLD)
    shift = np.zeros((NEW, WIDTH), np.float32)
    shift[0], shift[1], shift[2, 0] = SHIFT[0], SHIFT[0], -0.0
    assert same.shifting(shift).collisions() == 5
    shift[1, 0] += 1
    assert same.shifting(shift).collisions() == 3


def test_the_digest_without_a_shift_is_the_one_of_unfinished_runs_of_earlier_versions():
    mixture = from_rows([([1, 2], [0.5, 0.5]), ([3], [1.0])], OLD)
    assert mixture.digest() == "d038449d534e9967c8fe0db68aa09fab6bf6e36d99f18a37876995ea7bc53a37"
    drawn = without_rows(3, OLD, 0.0, Draws(np.array([0, 2]), "diagonal", 0.5, 7))
    assert drawn.digest() == "2ca06d11404b702905151ece3a30ebe7ae2b2e111cdbe17ef6b0d2823dc062ed"
    shift = np.zeros((2, WIDTH), np.float32)
    digests = {mixture.digest()}
    for value in (0, 1, 2):
        shift[1, 3] = value
        digests.add(mixture.shifting(shift.copy()).digest())
    assert len(digests) == 4
    assert mixture.shifting(shift).digest() == mixture.shifting(np.asfortranarray(shift)).digest()


def test_the_bias_gets_the_weights_of_the_output_without_its_shift():
    bias = TABLE[:, :1]
    initialization = Initialization(copies(), copies().shifting(SHIFT))
    np.testing.assert_array_equal(initialization.apply("bias", bias), bias[1:6].astype(np.float32))
    np.testing.assert_array_equal(initialization.apply("input", TABLE), TABLE[1:6].astype(np.float32))
    np.testing.assert_allclose(initialization.apply("output", TABLE), TABLE[1:6] + SHIFT, rtol=1e-5)
    assert len(initialization.copied("bias")[0]) == NEW and not len(initialization.copied("output")[0])
    assert initialization.hull_bound() is None
    assert initialization.differs and not everywhere(copies()).differs
    assert not Initialization(copies(), copies()).differs


def test_a_shift_of_another_width_or_beside_a_rank_is_refused_in_one_sentence():
    with pytest.raises(InitializerError, match="the shift is 6 wide and the embedding matrix 1: apply it to"):
        copies().shifting(SHIFT).apply(TABLE[:, :1])
    with pytest.raises(InitializerError, match="leave out --rank, or the shift"):
        everywhere(copies().shifting(SHIFT), rank=3)


@pytest.mark.parametrize(
    ("shift", "sentence"),
    [
        (SHIFT.tolist(), "the shift is list: pass an array of two dimensions of float32"),
        (SHIFT.astype(np.float64), "the shift is ndarray of float64"),
        (SHIFT[0], "of two dimensions"),
        (SHIFT[:-1], "there are 4 rows of the shift and 5 new rows"),
        (np.full_like(SHIFT, np.nan), "the rows of the shift hold NaN"),
    ],
)
def test_a_shift_that_cannot_be_added_to_each_new_row_is_refused(shift, sentence):
    with pytest.raises(InitializerError, match=sentence):
        replace(copies(), shift=shift)


def test_a_sum_that_float32_cannot_hold_is_refused():
    largest = np.full((NEW, WIDTH), np.finfo(np.float32).max, np.float32)
    with pytest.raises(InitializerError, match="beyond float32"):
        copies().shifting(largest).apply(np.full((OLD, WIDTH), 1e38, np.float64))


def test_sampled_rows_are_only_replaced_by_mixed_ones():
    drawn = without_rows(NEW, OLD, 0.0, Draws(np.array([1]), "diagonal", 1.0, 0))
    for other in (drawn, copies().shifting(SHIFT), without_rows(NEW, OLD, 1.0, None)):
        with pytest.raises(InitializerError, match="have more than weights"):
            drawn.mixing_draws(other)
