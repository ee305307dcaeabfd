import json
import math
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tensors import TORCH, bits, example

from vocabx.checkpoint.safetensors_file import DTYPES, read_header
from vocabx.errors import BaseModelError

GOOD = {"a": {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]}}


def raw_file(path: Path, header: object, data: bytes = bytes(32)) -> Path:
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)
    return path


def with_a(**changes: object) -> dict:
    return {"a": {**GOOD["a"], **changes}}


def refusal(path: Path) -> str:
    with pytest.raises(BaseModelError) as caught:
        read_header(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("dtype", TORCH)
def test_a_mapped_tensor_equals_what_the_safetensors_library_reads(tmp_path, dtype):
    tensors = example(tmp_path / "m.safetensors", TORCH[dtype])
    file = read_header(tmp_path / "m.safetensors")
    assert set(file.tensors) == set(tensors)
    assert file.metadata == {"format": "pt", "作者": "某人"}
    mapped = file.map("embed")
    assert mapped.tobytes() == bits(tensors["embed"])
    assert np.array_equal(mapped.astype(np.float64), tensors["embed"].double().numpy())
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 0


@pytest.mark.parametrize("name", ["ids", "mask", "eight"])
def test_integer_and_packed_dtypes_are_refused_with_the_supported_ones(tmp_path, name):
    example(tmp_path / "m.safetensors")
    with pytest.raises(BaseModelError, match="vocabx supports F64, F32, F16, BF16") as caught:
        read_header(tmp_path / "m.safetensors").map(name)
    assert name in str(caught.value)


@pytest.mark.parametrize("header", [{}, GOOD, {"__metadata__": {"format": "pt"}, **GOOD}])
def test_a_handwritten_header_is_read(tmp_path, header):
    file = read_header(raw_file(tmp_path / "m", header, bytes(32) if "a" in header else b""))
    assert [entry.shape for entry in file.tensors.values()] == ([(2, 4)] if "a" in header else [])


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0\0\0", bytes(8), struct.pack("<Q", 2**64 - 1), struct.pack("<Q", 200_000_000) + b"{}",
        struct.pack("<Q", 3) + b"{}", b"PK\x03\x04 a zip of torch weights", b"version https://git-lfs",
    ],
)  # fmt: skip
def test_a_file_that_is_not_safetensors_is_refused(tmp_path, content):
    (tmp_path / "m").write_bytes(content)
    assert "download it again" in refusal(tmp_path / "m")


@pytest.mark.parametrize("left", [0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, left):
    example(tmp_path / "m")
    whole = (tmp_path / "m").read_bytes()
    (tmp_path / "m").write_bytes(whole[: math.floor(len(whole) * left)])
    assert "truncated" in refusal(tmp_path / "m")


def test_bytes_after_the_last_tensor_are_refused(tmp_path):
    example(tmp_path / "m")
    (tmp_path / "m").write_bytes((tmp_path / "m").read_bytes() + b"hidden")
    assert "extra bytes" in refusal(tmp_path / "m")


@pytest.mark.parametrize(
    "header",
    [
        b"\xff{}", b"garbage", b"[" * 100_000, [], None, 5, "text", {"a": 5}, {"a": {}}, {"a": None},
        {"__metadata__": 5, **GOOD}, {"__metadata__": {"a": 1}, **GOOD}, with_a(dtype=None),
        with_a(dtype=["F32"]), with_a(shape=None), with_a(shape="24"), with_a(shape=["2", "4"]),
        with_a(shape=[-2, -4]), with_a(shape=[2.0, 4.0]), with_a(shape=[True, 8]), with_a(data_offsets=[0]),
        with_a(data_offsets=[0, 16, 32]), with_a(data_offsets=["0", "32"]), with_a(data_offsets=[0.0, 32.0]),
        {"a": GOOD["a"], "b": {**GOOD["a"], "data_offsets": ["0", "32"]}}, with_a(data_offsets=[-32, 0]),
    ],
)  # fmt: skip
def test_a_header_of_the_wrong_form_is_refused(tmp_path, header):
    assert "damaged header" in refusal(raw_file(tmp_path / "m", header))


@pytest.mark.parametrize(
    "offsets", [[[0, 16], [8, 32]], [[0, 16], [24, 40]], [[8, 24], [24, 40]], [[0, 32], [0, 32]], [[16, 0]]]
)
def test_tensors_that_overlap_or_leave_gaps_are_refused(tmp_path, offsets):
    header = {
        name: {
            "dtype": "F32",
            "shape": [(end - begin) // 4 if end > begin else 4],
            "data_offsets": [begin, end],
        }
        for name, (begin, end) in zip("ab", offsets, strict=False)
    }
    assert "overlap or leave a gap" in refusal(raw_file(tmp_path / "m", header))


@pytest.mark.parametrize(
    "change", [{"shape": [3, 4]}, {"shape": [10**12, 10**12]}, {"dtype": "BF16"}, {"shape": []}]
)
def test_a_shape_that_does_not_match_its_bytes_is_refused(tmp_path, change):
    assert "do not fit its shape" in refusal(raw_file(tmp_path / "m", with_a(**change)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_file_with_changed_bytes_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bent.safetensors"
    whole = bytearray(raw_file(path, {"__metadata__": {"k": "v"}, **GOOD}).read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(whole) - 33), max_size=4)):
        whole[position] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    try:
        file = read_header(path)
    except BaseModelError as error:
        assert "\n" not in str(error)
    else:
        assert all(entry.end <= 32 for entry in file.tensors.values())


def test_bfloat16_is_supported():
    assert DTYPES["BF16"] == np.dtype(ml_dtypes.bfloat16) and DTYPES["BF16"].itemsize == 2
