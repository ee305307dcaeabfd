"""The tensors of a CTranslate2 model.bin, from version 6 of its format.

Its own library loads them for computing and does not give them back as they are stored.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from vocabx.errors import OutputError

_VERSION = 6
# By the number that stands for each.
_DTYPES = tuple(
    np.dtype(kind) for kind in (np.float32, np.int8, np.int16, np.int32, np.float16, ml_dtypes.bfloat16)
)


@dataclass(frozen=True)
class Variable:
    """A tensor in a file.

    Attributes:
        path: the file.
        offset: where it begins, in bytes.
        shape: its shape.
        dtype: its dtype.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def map(self) -> NDArray[Any]:
        """Memory-map it, read-only."""
        return np.memmap(self.path, dtype=self.dtype, mode="r", offset=self.offset, shape=self.shape)


def read_variables(path: Path) -> dict[str, Variable]:
    """The tensors of a file by name; an alias stands for the tensor that it names.

    Raises:
        OutputError: the format is of another version.
    """
    found: dict[str, Variable] = {}
    with path.open("rb") as file:
        (version,) = _read(file, "I")
        if version != _VERSION:
            raise OutputError(
                f"CTranslate2 wrote version {version} of its format, and vocabx compares version {_VERSION}: "
                "install ctranslate2 4"
            )
        _text(file)
        _, count = _read(file, "II")
        for _ in range(count):
            name = _text(file)
            (dimensions,) = _read(file, "B")
            shape = _read(file, f"{dimensions}I")
            kind, size = _read(file, "BI")
            found[name] = Variable(path, file.tell(), shape, _DTYPES[kind])
            file.seek(size, 1)
        (count,) = _read(file, "I")
        for _ in range(count):
            alias, name = _text(file), _text(file)
            found[alias] = found[name]
            # The scale of a quantized tensor goes with it, and is not listed.
            if f"{name}_scale" in found:
                found[f"{alias}_scale"] = found[f"{name}_scale"]
    return found


def _read(file: IO[bytes], form: str) -> tuple[int, ...]:
    # Without alignment.
    packed = struct.Struct(f"<{form}")
    return packed.unpack(file.read(packed.size))


def _text(file: IO[bytes]) -> str:
    (length,) = _read(file, "H")
    return file.read(length)[:-1].decode("utf-8")
