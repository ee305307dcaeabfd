"""A safetensors file with tensors replaced, left out or added: streamed, so that none is held whole."""

import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.safetensors_file import DTYPES, SafetensorsFile

_CHUNK = 1 << 22


@dataclass(frozen=True)
class StreamedTensor:
    """A tensor that is made while it is written.

    Attributes:
        dtype: as the format names it, as "BF16".
        shape: its shape.
        blocks: yields its rows in order, in that dtype; called once.
    """

    dtype: str
    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[NDArray[Any]]]

    @property
    def size(self) -> int:
        """Number of bytes."""
        return math.prod(self.shape) * int(DTYPES[self.dtype].itemsize)


def rewrite(
    source: SafetensorsFile,
    changes: Mapping[str, StreamedTensor | None],
    target: Path,
    advance: Callable[[float], None] = lambda done: None,
) -> None:
    """Write `source` to `target` with `changes` made; everything else keeps its bytes and order.

    Args:
        source: the file to copy.
        changes: by name, what comes in a tensor's place, or None to leave it out; new names come last.
        target: the file to write; not that of `source`.
        advance: called with bytes written.
    """
    names = [*source.tensors, *(name for name in changes if name not in source.tensors)]
    names = [name for name in names if changes.get(name, True) is not None]
    header: dict[str, Any] = {"__metadata__": source.metadata} if source.metadata else {}
    position = 0
    for name in names:
        made = changes.get(name)
        entry = source.tensors[name] if made is None else made
        length = made.size if made is not None else source.tensors[name].end - source.tensors[name].begin
        header[name] = {
            "dtype": entry.dtype,
            "shape": list(entry.shape),
            "data_offsets": [position, position + length],
        }
        position += length
    encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    encoded += b" " * (-len(encoded) % 8)
    with source.path.open("rb") as reader, target.open("wb") as writer:
        writer.write(struct.pack("<Q", len(encoded)) + encoded)
        for name in names:
            made = changes.get(name)
            if made is None:
                _copy(source, name, reader, writer, advance)
                continue
            for block in made.blocks():
                advance(writer.write(np.ascontiguousarray(block).tobytes()))


def _copy(
    source: SafetensorsFile,
    name: str,
    reader: BinaryIO,
    writer: BinaryIO,
    advance: Callable[[float], None],
) -> None:
    entry = source.tensors[name]
    reader.seek(source.data_start + entry.begin)
    for start in range(entry.begin, entry.end, _CHUNK):
        advance(writer.write(reader.read(min(_CHUNK, entry.end - start))))
