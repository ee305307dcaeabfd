"""Writing a safetensors file tensor by tensor, each from parts: bytes of another file, or computed rows."""

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
from vocabx.checkpoint.safetensors_file import WIDTHS, SafetensorsFile
from vocabx.progress import Advance

Advance = Advance


@dataclass(frozen=True)
class Kept:
    """The bytes of one tensor of a file, copied by the kernel.

    Attributes:
        file, name: the tensor.
        rows: number of its rows, from the first; None for all.
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
    """Rows that are computed while they are written: `blocks` yields them in order, and is called once."""

    blocks: Callable[[], Iterator[NDArray[Any]]]


@dataclass(frozen=True)
class NewTensor:
    """A tensor to write.

    Attributes:
        dtype: dtype as named in the format, such as "BF16"; also that of the blocks of computed parts.
        shape: its shape.
        parts: its bytes, as consecutive parts.
    """

    dtype: str
    shape: tuple[int, ...]
    parts: tuple[Kept | Made, ...]

    @property
    def size(self) -> int:
        """Number of bytes; a tensor that is only copied may have an unknown dtype."""
        if all(isinstance(part, Kept) for part in self.parts):
            return sum(part.size for part in self.parts if isinstance(part, Kept))
        return math.prod(self.shape) * WIDTHS[self.dtype]


def kept(file: SafetensorsFile, name: str) -> NewTensor:
    """A tensor of a file, unchanged."""
    entry = file.tensors[name]
    return NewTensor(entry.dtype, entry.shape, (Kept(file, name),))


def changed(file: SafetensorsFile, changes: Mapping[str, NewTensor | None]) -> dict[str, NewTensor]:
    """The tensors of a file in their order, with those in `changes` replaced.

    None removes a tensor; names that the file lacks come last.
    """
    result = {name: changes.get(name, kept(file, name)) for name in file.tensors} | dict(changes)
    return {name: tensor for name, tensor in result.items() if tensor is not None}


def write_tensors(
    target: Path,
    tensors: Mapping[str, NewTensor],
    metadata: Mapping[str, str],
    advance: Advance = lambda done: None,
) -> None:
    """Write a safetensors file, and sync it to disk before returning.

    Memory use is one block of rows.

    Args:
        target: the file to write, which must not be the source of a part.
        tensors: the tensors by name, in the order of their bytes.
        metadata: string metadata of the header, omitted if empty.
        advance: called with bytes written.

    Raises:
        OSError: if the disk is full, or a file cannot be read or written.
    """
    with target.open("wb", buffering=0) as writer:
        _write(writer, _header(tensors, metadata))
        for name, tensor in tensors.items():
            start = writer.tell()
            for part in tensor.parts:
                _write_part(writer, part, advance)
            # Bytes that do not fit their shape would corrupt every later tensor.
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
    """Write all of `content`: an unbuffered write may be partial."""
    view = memoryview(content)
    size = len(view)
    while view:
        view = view[writer.write(view) :]
    return size
