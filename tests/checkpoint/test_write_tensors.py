import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_tensors import TORCH, bits, example

from vocabx.checkpoint.safetensors_file import DTYPES, read_header
from vocabx.checkpoint.write_tensors import Kept, Made, NewTensor, changed, write_tensors
from vocabx.errors import BaseModelError


def longer(file, name: str, *blocks: np.ndarray) -> NewTensor:
    """A tensor of a file with more rows after its own."""
    entry = file.tensors[name]
    shape = (entry.shape[0] + sum(len(block) for block in blocks), *entry.shape[1:])
    return NewTensor(entry.dtype, shape, (Kept(file, name), Made(lambda: iter(blocks))))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([*TORCH]), st.lists(st.integers(0, 4), max_size=4), st.integers(0, 3))
def test_an_extended_file_keeps_every_old_bit_and_ends_in_the_new_rows(
    tmp_path_factory, dtype, blocks, bias_rows
):
    directory = tmp_path_factory.mktemp("grown")
    tensors = example(directory / "old", TORCH[dtype])
    new = [np.random.default_rng(n).standard_normal((n, 6)).astype(DTYPES[dtype]) for n in blocks]
    bias = np.arange(bias_rows).astype(DTYPES[dtype])
    old = read_header(directory / "old")
    grown = {"embed": longer(old, "embed", *new), "bias": longer(old, "bias", bias)}
    steps: list[float] = []
    write_tensors(directory / "new", changed(old, grown), old.metadata, steps.append)
    # The library refuses files with wrong alignment or gaps.
    read = load_file(directory / "new")
    assert list(read_header(directory / "new").tensors) == list(old.tensors)
    assert bits(read["embed"]) == bits(tensors["embed"]) + b"".join(b.tobytes() for b in new)
    assert bits(read["bias"]) == bits(tensors["bias"]) + bias.tobytes()
    for name in tensors.keys() - grown.keys():
        assert bits(read[name]) == bits(tensors[name])
        assert read[name].dtype == tensors[name].dtype and read[name].shape == tensors[name].shape
    with safe_open(directory / "new", "pt") as file:
        assert file.metadata() == {"format": "pt", "作者": "某人"}
    written = read_header(directory / "new")
    assert sum(steps) == (directory / "new").stat().st_size - written.data_start


@pytest.mark.parametrize("dtype", [*TORCH])
def test_the_first_rows_of_a_tensor_are_kept_and_others_follow(tmp_path, dtype):
    tensors = example(tmp_path / "old", TORCH[dtype])
    old = read_header(tmp_path / "old")
    shape = tensors["embed"].shape
    made = Made(lambda: iter([np.ones((shape[0] - 2, shape[1]), DTYPES[dtype])]))
    renewed = NewTensor(dtype, tuple(shape), (Kept(old, "embed", rows=2), made))
    write_tensors(tmp_path / "new", changed(old, {"embed": renewed}), {})
    read = load_file(tmp_path / "new")["embed"]
    assert bits(read[:2]) == bits(tensors["embed"][:2])
    assert torch.equal(read[2:], torch.ones_like(read[2:]))


def test_tensors_are_removed_replaced_and_added(tmp_path):
    tensors = example(tmp_path / "old", torch.float32)
    old = read_header(tmp_path / "old")
    ones = np.ones((2, 3), np.float32)
    made = NewTensor("F32", ones.shape, (Made(lambda: iter([ones])),))
    write_tensors(tmp_path / "new", changed(old, {"embed": None, "bias": made, "more": made}), {})
    read = load_file(tmp_path / "new")
    assert read.keys() == (tensors.keys() - {"embed"}) | {"more"}
    assert torch.equal(read["bias"], torch.ones(2, 3)) and torch.equal(read["more"], torch.ones(2, 3))


def test_extending_a_large_file_does_not_take_its_size_in_memory(tmp_path):
    save_file({"a": torch.zeros(5_000_000), "embed": torch.zeros(1000, 10_000)}, tmp_path / "old")
    old = read_header(tmp_path / "old")
    block = np.ones((10, 10_000), np.float32)
    parts = (Kept(old, "embed"), Made(lambda: (block for _ in range(50))))
    grown = {"embed": NewTensor("F32", (1500, 10_000), parts)}
    tracemalloc.start()
    write_tensors(tmp_path / "new", changed(old, grown), {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "new").stat().st_size > 80_000_000
    assert peak < 10_000_000


def test_a_base_that_shrinks_while_it_is_copied_is_refused(tmp_path):
    save_file({"a": torch.zeros(5000)}, tmp_path / "old")
    file = read_header(tmp_path / "old")
    (tmp_path / "old").write_bytes((tmp_path / "old").read_bytes()[:9000])
    with pytest.raises(
        BaseModelError, match=r"^the base changed while it was being read: run the command again$"
    ):
        write_tensors(tmp_path / "new", changed(file, {}), {})


def test_an_unknown_newer_dtype_is_copied(tmp_path):
    save_file({"a": torch.arange(4)}, tmp_path / "old")
    content = (tmp_path / "old").read_bytes().replace(b'"I64"', b'"F3N"')
    (tmp_path / "old").write_bytes(content)
    write_tensors(tmp_path / "new", changed(read_header(tmp_path / "old"), {}), {})
    assert (tmp_path / "new").read_bytes().endswith(content[-32:])
    assert read_header(tmp_path / "new").tensors["a"].dtype == "F3N"
    assert math.prod(read_header(tmp_path / "new").tensors["a"].shape) == 4
