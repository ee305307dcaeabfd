"""Safetensors files by header and memory map: single tensors are read without loading the others.

The format: eight bytes of little-endian header length, a JSON header, then the tensors' bytes without
gaps.
"""

import json
import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from vocabx.errors import BaseChangedError, BaseModelError

INDEX = "model.safetensors.index.json"
"""The file that says which shard holds a tensor."""

DTYPES: dict[str, Any] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
}
# Of tables that hold a choice for each token, such as its experts; see `Architecture.choices`.
INTEGERS: dict[str, Any] = {
    name: np.dtype(code)
    for name, code in (("U8", "u1"), ("I8", "i1"), ("I16", "<i2"), ("I32", "<i4"), ("I64", "<i8"))
}
# Bytes per element, by dtype of the format; sizes of unknown, newer dtypes are not checked.
WIDTHS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "U16": 2, "I16": 2, "F16": 2,
    "BF16": 2, "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8, "C64": 8,
}  # fmt: skip
_HEADER_LIMIT = 100_000_000
_CHUNK = 1 << 24


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of a file: its dtype as named in the header, its shape, and the range of its bytes."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class SafetensorsFile:
    """The header of a safetensors file.

    Attributes:
        path: the file.
        tensors: entries by name, in the order of their bytes; offsets count from `data_start`.
        metadata: the header's string metadata.
        data_start: offset of the first tensor's bytes in the file.
        stamp: size in bytes, time of modification in ns and inode when the header was read.
    """

    path: Path
    tensors: dict[str, TensorEntry]
    metadata: dict[str, str]
    data_start: int
    stamp: tuple[int, int, int]

    def require_unchanged(self) -> None:
        """Check that the file is the one whose header was read.

        Raises:
            BaseChangedError: it was overwritten, replaced or removed.
        """
        try:
            stamp = _stamp(self.path.stat())
        except OSError:
            stamp = None
        if stamp != self.stamp:
            raise BaseChangedError(f"{self.path} changed while it was being read: run the command again")

    def map(self, name: str, dtypes: Mapping[str, Any] = DTYPES) -> NDArray[Any]:
        """Memory-map one tensor of one of `dtypes`, by default of floats, read-only, with its shape."""
        entry = self.tensors[name]
        if entry.dtype not in dtypes:
            raise BaseModelError(
                f"{name} in {self.path} is stored as {entry.dtype!r}: vocabx supports {', '.join(DTYPES)}; "
                "convert the model to one of them first"
            )
        return np.memmap(
            self.path,
            dtype=dtypes[entry.dtype],
            mode="r",
            offset=self.data_start + entry.begin,
            shape=entry.shape,
        )


def same_tensor(one: SafetensorsFile, name: str, other: SafetensorsFile, other_name: str) -> bool:
    """Whether two tensors have the same dtype, shape and bytes; reads them in pieces."""
    a, b = one.tensors[name], other.tensors[other_name]
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    with one.path.open("rb") as left, other.path.open("rb") as right:
        left.seek(one.data_start + a.begin)
        right.seek(other.data_start + b.begin)
        for start in range(a.begin, a.end, _CHUNK):
            size = min(_CHUNK, a.end - start)
            if left.read(size) != right.read(size):
                return False
    return True


def read_header(path: Path) -> SafetensorsFile:
    """Read the header of a safetensors file and check that it describes the file exactly.

    Raises:
        BaseModelError: if the file is truncated, or its header is invalid.
    """
    if path.exists() and not path.is_file():
        # Opening a pipe would block until somebody writes into it.
        raise BaseModelError(f"{path} is not a file: download it again")
    with path.open("rb") as stream:
        stat = os.fstat(stream.fileno())
        size = stat.st_size
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else _HEADER_LIMIT + 1
        if length > min(_HEADER_LIMIT, size - 8):
            raise BaseModelError(f"{path} is truncated, or not a safetensors file: download it again")
        try:
            header = json.loads(stream.read(length), object_pairs_hook=_unique)
            metadata = header.pop("__metadata__", {})
            if not all(isinstance(value, str) for value in metadata.values()):
                raise ValueError
            entries = {name: _entry(value) for name, value in header.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BaseModelError(f"{path} has a damaged header: download it again") from None
    tensors = dict(sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)))
    position = 0
    for name, entry in tensors.items():
        if entry.begin != position or entry.end < entry.begin:
            raise BaseModelError(f"{path}: the bytes of {name!r} overlap or leave a gap: download it again")
        width = WIDTHS.get(entry.dtype)
        if width is not None and math.prod(entry.shape) * width != entry.end - entry.begin:
            raise BaseModelError(f"{path}: the bytes of {name!r} do not fit its shape: download it again")
        position = entry.end
    if 8 + length + position != size:
        raise BaseModelError(f"{path} is truncated or has extra bytes: download it again")
    return SafetensorsFile(path, tensors, metadata, 8 + length, _stamp(stat))


def _stamp(stat: os.stat_result) -> tuple[int, int, int]:
    # Not the time of a change of status: making a hard link of the file is one.
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object without duplicate keys: of two tensors with one name, readers may pick different ones."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result


def _entry(value: dict[str, Any]) -> TensorEntry:
    dtype, shape, (begin, end) = value["dtype"], value["shape"], value["data_offsets"]
    # In Python a bool is an int, and a float may equal one: neither is a valid size.
    if not isinstance(dtype, str) or not all(type(n) is int and n >= 0 for n in (*shape, begin, end)):
        raise ValueError
    return TensorEntry(dtype, tuple(shape), begin, end)
