"""Methods with one rule for input rows and another for output rows: eeve, adaptivocab, bil."""

from dataclasses import replace

import dense_initializers as oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.errors import InitializerError
from vocabx.initializers.bil import bil, rows_of_scripts
from vocabx.initializers.inputs import InitializerInputs, Tables
from vocabx.initializers.registry import INITIALIZERS

V, D = 12, 7
RANDOM = np.random.RandomState(9)
INPUT, OUTPUT = RANDOM.standard_normal((2, V, D)) * RANDOM.uniform(0.1, 5, (V, 1))
# Letters of two scripts, punctuation, half a character, no text at all, and nothing but bytes of a character.
OLD = (
    b"a", "字".encode(), " the字".encode(), b"\xe4\xb8", None, "。".encode(), b"b",
    "字典".encode(), b"", b"\xe4", b" ", b"zz",
)  # fmt: skip
TEXTS = ("a", "字", " the字", "x", "", "。", "b", "字典", "", "x", " ", "zz")
TWO = ("eeve", "adaptivocab", "bil")

pieces_of_tokens = st.lists(
    st.lists(st.integers(0, V - 1), min_size=1, max_size=6).map(tuple), min_size=1, max_size=6
).map(tuple)


def inputs_of(pieces, **changes) -> InitializerInputs:
    given = {"old_tokens": OLD, "scripts": ("Han",), "tables": Tables(INPUT, OUTPUT), **changes}
    return InitializerInputs(tokens=(b"x",) * len(pieces), pieces=pieces, old_rows=V, seed=0, **given)


def expected(name, pieces):
    if name == "bil":
        return oracle.bil(INPUT, OUTPUT, pieces, TEXTS, "字典")
    return getattr(oracle, name)(INPUT, OUTPUT, pieces)


@pytest.mark.parametrize("name", TWO)
@settings(deadline=None)
@given(pieces=pieces_of_tokens)
def test_rows_of_both_matrices_are_those_of_the_definition_in_float64(name, pieces):
    found = INITIALIZERS[name](inputs_of(pieces))
    for which, table, rows in zip(("input", "output"), (INPUT, OUTPUT), expected(name, pieces), strict=True):
        np.testing.assert_allclose(found.apply(which, table), rows, rtol=1e-5, atol=1e-5)
    # The bias is mixed as the output.
    np.testing.assert_allclose(
        found.apply("bias", OUTPUT[:, :1]), found.apply("output", OUTPUT)[:, :1], atol=1e-6
    )


@pytest.mark.parametrize("name", TWO)
@settings(deadline=None)
@given(pieces=pieces_of_tokens)
def test_output_rows_stay_in_the_hull_and_only_bil_takes_input_rows_out_of_it(name, pieces):
    found = INITIALIZERS[name](inputs_of(pieces))
    assert found.hull_bound() is not None
    np.testing.assert_allclose(found.output.weights.sum(axis=1), 1)
    if name != "bil":
        assert found.input.hull_bound() is not None


@pytest.mark.parametrize("name", [*TWO, "first-piece", "distill"])
def test_the_registry_says_which_methods_have_a_rule_of_their_own_for_the_output(name):
    assert INITIALIZERS[name].own_output
    plain = ("zip-tie", "zip-tie-ordered", "mean", "univariate")
    assert not any(INITIALIZERS[other].own_output for other in plain)


@settings(deadline=None)
@given(pieces_of_tokens)
def test_all_input_rows_of_bil_have_the_median_norm_of_the_rows_of_the_script(pieces):
    rows = bil(inputs_of(pieces)).apply("input", INPUT).astype(np.float64)
    wanted = np.median(np.linalg.norm(INPUT[[1, 2, 7]], axis=1))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), wanted, rtol=1e-5)


def test_tokens_of_the_script_are_those_with_a_whole_letter_of_it():
    assert rows_of_scripts(inputs_of(((3, 5),))).tolist() == [1, 2, 7]
    assert rows_of_scripts(inputs_of(((3, 5),), scripts=("Latin",))).tolist() == [0, 2, 6, 11]


@pytest.mark.parametrize("changes", [{"scripts": ("Thai",)}, {"scripts": ()}, {"old_tokens": ()}])
def test_without_an_old_token_of_the_script_the_pieces_of_the_new_tokens_give_the_norm(changes):
    pieces = ((3, 9), (9, 5, 3))
    rows = bil(inputs_of(pieces, **changes)).apply("input", INPUT).astype(np.float64)
    wanted = np.median(np.linalg.norm(INPUT[[3, 5, 9]], axis=1))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), wanted, rtol=1e-5)


def test_a_mean_of_zero_stays_zero():
    table = np.concatenate([INPUT, -INPUT])
    inputs = replace(inputs_of(((2, 2 + V), (1,))), old_rows=2 * V, tables=Tables(table), old_tokens=2 * OLD)
    rows = bil(inputs).apply("input", table)
    assert not rows[0].any() and rows[1].any()


def test_a_long_token_has_weights_that_are_numbers():
    pieces = (tuple(RANDOM.randint(0, V, 900)),)
    found = INITIALIZERS["adaptivocab"](inputs_of(pieces))
    last, first = (INPUT[pieces[0][-8:], :], OUTPUT[pieces[0][:8], :])
    weights = np.exp(2.0 * np.arange(8))
    np.testing.assert_allclose(found.apply("input", INPUT)[0], weights / weights.sum() @ last, atol=1e-5)
    np.testing.assert_allclose(
        found.apply("output", OUTPUT)[0], weights[::-1] / weights.sum() @ first, atol=1e-5
    )


def test_a_matrix_that_is_missing_or_not_finite_is_refused_in_one_sentence():
    with pytest.raises(InitializerError, match="reads the embedding matrices, but there are none"):
        bil(inputs_of(((1,),), tables=None))
    broken = INPUT.copy()
    broken[7, 0] = np.inf
    with pytest.raises(InitializerError, match="the rows of the embedding matrix hold NaN or infinity"):
        bil(inputs_of(((1,),), tables=Tables(broken)))


def test_padding_rows_have_no_influence():
    padded = np.concatenate([INPUT, np.full((3, D), np.nan)])
    found = bil(inputs_of(((1, 2),), tables=Tables(padded, padded)))
    plain = bil(inputs_of(((1, 2),)))
    np.testing.assert_array_equal(found.apply("input", padded), plain.apply("input", INPUT))
