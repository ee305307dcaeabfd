"""Nearest neighbors against the obvious computation in float64."""

from itertools import pairwise

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.safetensors_file import read_header
from vocabx.checkpoint.tables import Table
from vocabx.commands.playground import neighbours as module
from vocabx.commands.playground.neighbours import nearest_rows, neighbourhoods


def oracle(matrix, index, among, count):
    matrix = np.asarray(matrix, dtype=np.float64)
    pairs = []
    for other in sorted(set(among) - {index}):
        one, two = matrix[index], matrix[other]
        length = np.linalg.norm(one) * np.linalg.norm(two)
        pairs.append((-(one @ two) / length if length else 0.0, other))
    return [(other, -cosine) for cosine, other in sorted(pairs)][:count]


def stored(path, matrix) -> Table:
    from safetensors.numpy import save_file

    save_file({"rows": matrix}, path)
    return Table("rows", read_header(path))


@pytest.mark.parametrize("tied", [True, False])
def test_the_neighbours_of_a_checkpoint_are_those_of_its_matrices(small_extended, monkeypatch, tied):
    # Several blocks, the last of them shorter.
    monkeypatch.setattr(module, "_BLOCK", 32 * 100)
    checkpoint = read_checkpoint(small_extended(tied))
    found = neighbourhoods(checkpoint, 620, range(640), 12)
    names = ["input embeddings"] if tied else ["input embeddings", "lm_head"]
    assert [one.matrix for one in found] == names
    for one, table in zip(found, [checkpoint.input, checkpoint.output], strict=False):
        wanted = oracle(table.map(), 620, range(640), 12)
        assert [near.id for near in one.neighbours] == [index for index, _ in wanted]
        assert [near.cosine for near in one.neighbours] == pytest.approx([c for _, c in wanted], abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
def test_every_dtype_and_every_block_size_give_the_same(tmp_path, monkeypatch, dtype):
    matrix = np.random.default_rng(0).normal(size=(50, 8)).astype(dtype)
    table = stored(tmp_path / "m.safetensors", matrix)
    among = range(3, 47)
    expected = oracle(matrix, 5, among, 7)
    for block in (1, 8 * 7, 8 * 50, 1 << 20):
        monkeypatch.setattr(module, "_BLOCK", block)
        found = nearest_rows(table, 5, among, 7)
        assert [one.id for one in found] == [index for index, _ in expected]
        assert [one.cosine for one in found] == pytest.approx([c for _, c in expected], abs=1e-12)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("rows")


@given(
    rows=st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=2, max_size=30),
    index=st.integers(0, 29),
)
@settings(max_examples=100, deadline=None)
def test_equal_rows_come_in_the_order_of_their_ids_and_rows_of_zeros_have_no_direction(
    directory, rows, index
):
    index %= len(rows)
    matrix = np.array(rows, dtype=np.float32)
    table = stored(directory / "m.safetensors", matrix)
    found = nearest_rows(table, index, range(len(rows)), 5)
    if not matrix[index].any():
        assert found == ()
        return
    expected = oracle(matrix, index, range(len(rows)), len(rows))
    assert [one.cosine for one in found] == pytest.approx([c for _, c in expected[:5]], abs=1e-12)
    cosines = dict(expected)
    for one, after in pairwise(found):
        if np.array_equal(matrix[one.id], matrix[after.id]):
            assert one.id < after.id
        assert cosines[one.id] >= cosines[after.id] - 1e-12


def test_rows_that_are_not_finite_are_nobodys_neighbours(tmp_path):
    matrix = np.array([[1, 0], [np.nan, 1], [np.inf, 1], [1, 1]], dtype=np.float32)
    table = stored(tmp_path / "m.safetensors", matrix)
    assert [one.id for one in nearest_rows(table, 0, range(4), 4)] == [3]
    assert nearest_rows(table, 1, range(4), 4) == ()
    assert nearest_rows(table, 2, range(4), 4) == ()


def test_ids_without_a_row_are_passed_over(tmp_path):
    table = stored(tmp_path / "m.safetensors", np.eye(3, dtype=np.float32))
    assert [one.id for one in nearest_rows(table, 0, [0, 2, 3, 99], 5)] == [2]
