"""WECHSEL, OFA and FOCUS against slow float64 oracles, and properties that all of them share."""

from dataclasses import replace

import dense_initializers as oracle
import ml_dtypes
import numpy as np
import pytest

from vocabx.errors import InitializerError
from vocabx.initializers.focus import focus, sparsemax
from vocabx.initializers.inputs import InitializerInputs, TokenVectors
from vocabx.initializers.ofa import ofa
from vocabx.initializers.options import InitializerOptions
from vocabx.initializers.registry import find_initializer
from vocabx.initializers.wechsel import wechsel

V, N, S, D = 211, 97, 24, 40
COPIES = {0: 0, 5: 17, 40: 210}


def arrays(seed: int = 0, old: int = V, new: int = N, width: int = S):
    random = np.random.RandomState(seed)
    source = random.standard_normal((old, width)).astype(np.float32)
    target = random.standard_normal((new, width)).astype(np.float32)
    table = (random.standard_normal((old, D)) * random.uniform(0.1, 2, D) + 0.3).astype(np.float32)
    return source, target, table


def with_holes(source, target):
    """Zero vectors for some tokens on both sides, as for unknown tokens."""
    source[[0, 3, 100]] = 0
    target[[1, 2, 50, 96]] = 0
    return source, target


@pytest.mark.parametrize("neighbours", [1, 10, V])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_wechsel_equals_the_float64_oracle_including_sampled_rows(neighbours, temperature):
    source, target, table = arrays()
    with_holes(source, target)
    mixture = wechsel(source, target, neighbours=neighbours, temperature=temperature, copies=COPIES)
    expected = oracle.wechsel(source, target, table, neighbours, temperature, COPIES, seed=1234)
    np.testing.assert_allclose(mixture.apply(table), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("rank", [None, 1, 7, D])
def test_ofa_equals_the_float64_oracle_including_sampled_rows(rank):
    source, target, table = arrays(1)
    with_holes(source, target)
    initialization = ofa(source, target, copies=COPIES, rank=rank)
    expected = oracle.ofa(source, target, table, 10, 0.1, COPIES, 114514, rank)
    np.testing.assert_allclose(initialization.apply("input", table), expected, atol=1e-5, rtol=1e-5)


def test_focus_equals_the_float64_oracle():
    source, target, table = arrays(2)
    source[::3] = 0
    mixture = focus(source, target, copies=COPIES)
    np.testing.assert_allclose(mixture.apply(table), oracle.focus(source, target, table, COPIES), atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 300, 2000])
def test_sparsemax_projects_onto_the_simplex(size):
    scores = np.random.RandomState(size).uniform(-1, 1, (6, size))
    # Nearly equal scores: all of them are in the support.
    scores[0] = 1e-4 * scores[0] / size
    expected = [oracle.sparsemax(row) for row in scores]
    np.testing.assert_allclose(sparsemax(scores), expected, atol=1e-9)


def test_a_sampled_row_is_the_row_of_the_stream_with_its_number():
    source, target, table = arrays(3)
    target[[20, 96]] = 0
    rows = wechsel(source, target, seed=7).apply(table)
    stream = np.random.RandomState(7).normal(table.mean(0), table.std(0), (N, D))
    np.testing.assert_allclose(rows[[20, 96]], stream[[20, 96]], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
def test_embeddings_of_any_float_type_are_mixed(dtype):
    source, target, table = arrays(4)
    table = table.astype(dtype)
    expected = oracle.wechsel(source, target, table.astype(np.float64), 10, 0.1, {}, 1234)
    np.testing.assert_allclose(wechsel(source, target).apply(table), expected, atol=1e-5, rtol=1e-5)


def test_equal_vocabularies_with_one_neighbour_give_the_old_rows():
    source, _, table = arrays(5)
    source[[9, 30]] = 0
    rows = wechsel(source, source, neighbours=1).apply(table)
    kept = np.setdiff1d(np.arange(V), [9, 30])
    np.testing.assert_array_equal(rows[kept], table[kept])


@pytest.mark.parametrize("method", [wechsel, ofa, focus])
def test_weights_of_mixed_rows_sum_to_one_and_of_sampled_ones_to_zero(method):
    source, target, _ = arrays(6)
    with_holes(source, target)
    found = method(source, target, copies=COPIES)
    mixture = getattr(found, "input", found)
    sums = np.asarray(mixture.weights.sum(axis=1)).ravel()
    assert mixture.draws.rows.tolist() == [1, 2, 50, 96]
    np.testing.assert_allclose(np.delete(sums, mixture.draws.rows), 1)
    assert not sums[mixture.draws.rows].any()
    assert mixture.weights.data.min() >= 0


def test_another_order_of_the_old_tokens_gives_the_same_rows():
    source, target, table = arrays(7)
    order = np.random.RandomState(0).permutation(V)
    for method in (wechsel, ofa, focus):
        one, other = method(source, target), method(source[order], target)
        one, other = getattr(one, "input", one), getattr(other, "input", other)
        np.testing.assert_allclose(one.apply(table), other.apply(table[order]), atol=1e-5)


def test_among_equal_vectors_the_lower_id_wins():
    source, target, _ = arrays(8)
    source[1::2] = source[:-1:2]
    chosen = [wechsel(source, target, neighbours=k).weights for k in (1, 3)]
    assert (chosen[0].indices % 2 == 0).all()
    # The third of three is the first of a pair: the lower one.
    third = [sorted(chosen[1].indices[row * 3 : row * 3 + 3]) for row in range(N)]
    assert all(sum(index % 2 == 0 for index in row) == 2 for row in third)


def test_wide_vectors_and_padding_rows_make_no_difference():
    source, target, table = arrays(9, width=3 * D)
    padded = np.concatenate([table, np.full((13, D), np.nan, np.float32)])
    target[4] = 0
    for found in (wechsel(source, target), ofa(source, target, rank=5), focus(source, target)):
        apply = found.apply if hasattr(found, "weights") else lambda t, f=found: f.apply("input", t)
        np.testing.assert_array_equal(apply(padded), apply(table))


@pytest.mark.parametrize("size", [1, 10, 4096])
def test_blocks_of_any_size_give_the_same_rows(size):
    source, target, table = arrays(10)
    with_holes(source, target)
    initialization = ofa(source, target, rank=6)
    blocks = np.concatenate(list(initialization.blocks("input", table, size)))
    np.testing.assert_allclose(blocks, initialization.apply("input", table), atol=1e-6)


def test_the_output_bias_is_mixed_with_the_same_weights():
    source, target, table = arrays(11)
    bias = table[:, :1].copy()
    rows = ofa(source, target, rank=6).apply("bias", bias)
    np.testing.assert_allclose(rows, oracle.wechsel(source, target, bias, 10, 0.1, {}, 114514), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neighbours": V + 1}, rf"--neighbours is {V + 1}: pass 1 to {V}"),
        ({"neighbours": 0}, "--neighbours is 0"),
        ({"temperature": 0.0}, "--temperature is 0.0"),
        ({"temperature": float("nan")}, "--temperature is nan"),
        ({"target": np.zeros((N, S + 1), np.float32)}, "24 wide and those of the new ones 25"),
        ({"target": np.full((N, S), np.nan, np.float32)}, "97 new tokens hold NaN"),
        ({"source": np.full((V, S), np.inf, np.float32)}, "211 old tokens hold NaN or infinity"),
    ],
)
@pytest.mark.parametrize("method", [wechsel, ofa])
def test_invalid_arguments_are_refused_in_one_line(method, change, message):
    source, target, _ = arrays()
    given = {"source": source, "target": target, **change}
    with pytest.raises(InitializerError, match=message):
        method(given.pop("source"), given.pop("target"), **given)


def test_a_rank_that_does_not_fit_is_refused_in_one_line():
    source, target, table = arrays()
    with pytest.raises(InitializerError, match="--rank is 0: pass a whole number from 1 on"):
        ofa(source, target, rank=0)
    with pytest.raises(
        InitializerError, match=f"--rank is {D + 1}: an embedding matrix of 211 rows and width 40 has ranks"
    ):
        ofa(source, target, rank=D + 1).apply("input", table)


def test_an_empty_overlap_is_refused_in_one_line():
    source, target, _ = arrays()
    with pytest.raises(InitializerError, match="no old token occurs in the text often enough"):
        focus(np.zeros_like(source), target)


def test_missing_vectors_are_refused_in_one_line():
    inputs = InitializerInputs((b"a",), ((1,),), V, 0)
    for name in ("wechsel", "ofa", "focus"):
        with pytest.raises(InitializerError, match=r"there are none: set InitializerInputs.vectors"):
            find_initializer(name)(inputs)


def test_ofa_copies_overlapping_tokens_by_text_then_by_case_including_id_0():
    source, target, table = arrays(12, old=5, new=4)
    old = (b"the", b" the", b"\xe4\xb8", None, b"Berlin")
    new = (b"the", b" THE", b"\xe4\xb8", b" berlin")
    inputs = InitializerInputs(
        new,
        ((1,),) * 4,
        5,
        0,
        old,
        vectors=TokenVectors(source, target),
        settings=InitializerOptions(neighbours=2),
    )
    rows = find_initializer("ofa")(inputs).apply("input", table)
    np.testing.assert_array_equal(rows[:3], table[:3])
    np.testing.assert_allclose(rows[3], oracle.wechsel(source, target, table, 2, 0.1, {}, 0)[3], atol=1e-5)


def test_special_tokens_are_copied_by_every_method():
    source, target, table = arrays(13, new=4)
    inputs = InitializerInputs(
        (b"a", b"", b"b", b"c"),
        ((1,), (2, 3), (4,), (5, 6)),
        V,
        0,
        (None,) * V,
        {1: 9, 3: 0},
        TokenVectors(source, target),
    )
    for name in ("zip-tie", "mean", "univariate", "multivariate", "resize", "wechsel", "ofa", "focus"):
        rows = find_initializer(name)(inputs).apply("input", table)
        np.testing.assert_array_equal(rows[[1, 3]], table[[9, 0]], err_msg=name)
        assert (rows[[0, 2]] != table[[9, 0]]).any(), name


@pytest.mark.parametrize("name", ["wechsel", "ofa", "focus"])
def test_tokens_without_a_vector_can_be_the_mean_of_their_pieces(name):
    source, target, table = arrays(14)
    with_holes(source, target)
    pieces = tuple((row, row + 1, row + 1) for row in range(N))
    inputs = InitializerInputs((b"x",) * N, pieces, V, 0, (None,) * V, {2: 7}, TokenVectors(source, target))
    drawn = find_initializer(name)(inputs)
    mixed = find_initializer(name)(replace(inputs, settings=InitializerOptions(fallback="pieces")))
    assert drawn.hull_bound() is None
    assert mixed.hull_bound() is not None
    one, other = (initialization.apply("input", table) for initialization in (drawn, mixed))
    for row in (1, 50, 96):
        np.testing.assert_allclose(other[row], table[list(pieces[row])].mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(other[2], table[7])
    others = np.setdiff1d(np.arange(N), [1, 50, 96])
    np.testing.assert_array_equal(one[others], other[others])


def test_a_tokenizer_of_another_base_is_refused_in_one_line():
    source, target, table = arrays(15)
    with pytest.raises(InitializerError, match="matrix has 210 rows and the tokenizer 211 tokens"):
        wechsel(source, target).apply(table[:-1])
    inputs = InitializerInputs((b"x",) * N, ((1,),) * N, V + 1, 0, vectors=TokenVectors(source, target))
    with pytest.raises(InitializerError, match="there are 211 vectors for 212 old tokens"):
        find_initializer("wechsel")(inputs)
