"""A safetensors file written tensor by tensor, each from parts: bytes of a file, rows made on the way."""

import json
import math
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.copying import copy_range
from vocabx.checkpoint.safetensors_file import DTYPES, SafetensorsFile

Advance = Callable[[float], None]


@dataclass(frozen=True)
class Kept:
    """The bytes of one tensor of a file, copied by the kernel.

    Attributes:
        file, name: which tensor.
        rows: how many of its rows, from the first; None for all of them.
    """

    file: SafetensorsFile
    name: str
    rows: int | None = None

    @property
    def size(self) -> int:
        """Number of bytes."""
        entry = self.file.tensors[self.name]
        whole = entry.end - entry.begin
        return whole if self.rows is None else whole // entry.shape[0] * self.rows


@dataclass(frozen=True)
class Made:
    """Rows that are made while they are written: `blocks` yields them in order, and is called once."""

    blocks: Callable[[], Iterator[NDArray[Any]]]


@dataclass(frozen=True)
class NewTensor:
    """A tensor to be written.

    Attributes:
        dtype: as the format names it, as "BF16"; the blocks of a part that is made are of it.
        shape: its shape.
        parts: what its bytes are, one part after the other.
    """

    dtype: str
    shape: tuple[int, ...]
    parts: tuple[Kept | Made, ...]

    @property
    def size(self) -> int:
        """Number of bytes; what is only kept may be of a dtype that is not known here."""
        if all(isinstance(part, Kept) for part in self.parts):
            return sum(part.size for part in self.parts if isinstance(part, Kept))
        return math.prod(self.shape) * int(DTYPES[self.dtype].itemsize)


def kept(file: SafetensorsFile, name: str) -> NewTensor:
    """A tensor of a file as it is."""
    entry = file.tensors[name]
    return NewTensor(entry.dtype, entry.shape, (Kept(file, name),))


def changed(file: SafetensorsFile, changes: Mapping[str, NewTensor | None]) -> dict[str, NewTensor]:
    """The tensors of a file in their order, with those in `changes` replaced.

    None leaves a tensor out; names that the file lacks come last.
    """
    result = {name: changes.get(name, kept(file, name)) for name in file.tensors} | dict(changes)
    return {name: tensor for name, tensor in result.items() if tensor is not None}


def write_tensors(
    target: Path,
    tensors: Mapping[str, NewTensor],
    metadata: Mapping[str, str],
    advance: Advance = lambda done: None,
) -> None:
    """Write a safetensors file, and see it on the disk before returning.

    Memory is one block of rows.

    Args:
        target: the file to write; none that a part is kept of.
        tensors: by name, in the order of their bytes.
        metadata: string metadata of the header, left out when empty.
        advance: called with bytes written.

    Raises:
        OSError: the disk is full, or a file cannot be read or written.
    """
    with target.open("wb", buffering=0) as writer:
        _write(writer, _header(tensors, metadata))
        for name, tensor in tensors.items():
            start = writer.tell()
            for part in tensor.parts:
                _write_part(writer, part, advance)
            # Bytes that do not fit their shape would make every later tensor garbage.
            assert writer.tell() - start == tensor.size, name
        os.fsync(writer.fileno())


def _header(tensors: Mapping[str, NewTensor], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, tensor in tensors.items():
        offsets = [position, position + tensor.size]
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        position += tensor.size
    encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    encoded += b" " * (-len(encoded) % 8)
    return struct.pack("<Q", len(encoded)) + encoded


def _write_part(writer: BinaryIO, part: Kept | Made, advance: Advance) -> None:
    if isinstance(part, Kept):
        entry = part.file.tensors[part.name]
        with part.file.path.open("rb", buffering=0) as reader:
            offset = part.file.data_start + entry.begin
            copy_range(reader.fileno(), writer.fileno(), offset, part.size, advance)
        return
    for block in part.blocks():
        advance(_write(writer, np.ascontiguousarray(block).reshape(-1).view(np.uint8).data))


def _write(writer: BinaryIO, content: Any) -> int:
    """Write all of it: an unbuffered file may take a part."""
    view = memoryview(content)
    size = len(view)
    while view:
        view = view[writer.write(view) :]
    return size
