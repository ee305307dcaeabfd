"""The sha256 of the embedding matrices, which identify a checkpoint, read in chunks."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.factorised import primitive_tables
from vocabx.checkpoint.tables import Checkpoint, Table
from vocabx.errors import BaseChangedError, BaseModelError
from vocabx.progress import Advance

Advance = Advance
_CHUNK = 1 << 22
# The exponent bits, all of which are set in NaN and Inf, with the integer type, by dtype.
_EXPONENTS = {"F64": ("<u8", 0x7FF0 << 48), "F32": ("<u4", 0x7F80 << 16), "F16": ("<u2", 0x7C00),
              "BF16": ("<u2", 0x7F80)}  # fmt: skip


def table_hashes(
    checkpoint: Checkpoint,
    advance: Advance = lambda done: None,
    kept: Mapping[str, tuple[int, str]] | None = None,
) -> dict[str, str]:
    """The sha256 of the bytes of each embedding matrix, and of primitives of factorized ones, by tensor name.

    Args:
        checkpoint: the checkpoint.
        advance: called with bytes read.
        kept: how many of its first rows a matrix has from the base, and their sha256 there, by tensor name.

    Raises:
        BaseChangedError: if these rows have another sha256: the base was overwritten while it was read.
    """
    kept = kept or {}
    found = {}
    for table in (*checkpoint.tables, *primitive_tables(checkpoint)):
        rows, expected = kept.get(table.name, (0, ""))
        found[table.name], first = _read(table, advance, None, rows)
        if rows and first != expected:
            raise BaseChangedError(
                f"the base's {table.name} changed while it was being read: run the command again"
            )
    return found


def examine_tables(
    checkpoint: Checkpoint, advance: Advance = lambda done: None, tokens: int | None = None
) -> tuple[dict[str, str], bool]:
    """The same as `table_hashes`, with a check that all numbers in rows of tokens and primitives are finite.

    Args:
        checkpoint: the checkpoint.
        advance: called with bytes read.
        tokens: how many of the first rows belong to tokens; None for all. The others are padding, which
            nothing is computed from.

    Returns:
        The sha256 of each embedding matrix by tensor name, and whether padding holds NaN or Inf.

    Raises:
        BaseModelError: if a row of a token holds NaN or Inf; the message names the row.
    """
    hashes, padded = {}, False
    primitives = primitive_tables(checkpoint)
    for table in (*checkpoint.tables, *primitives):
        limit = table.rows
        # All tokens need all rows of the primitives.
        if tokens is not None and table not in primitives:
            limit = min(tokens, limit)
        scan = _Scan(table, limit)
        hashes[table.name] = _read(table, advance, scan)[0]
        padded |= scan.padded
    return hashes, padded


class _Scan:
    """A search for NaN and Inf in the chunks of a matrix, in order.

    Attributes:
        padded: whether there are some from the row `limit` on.
    """

    def __init__(self, table: Table, limit: int) -> None:
        self.table, self.limit, self.padded = table, limit, False
        entry = table.file.tensors[table.name]
        self._row_bytes = max(1, (entry.end - entry.begin) // table.rows)
        self._first_bad = _first_bad(table.dtype)
        self._done = 0

    def add(self, chunk: memoryview) -> None:
        """Search the next chunk.

        Raises:
            BaseModelError: a row before `limit` holds NaN or Inf.
        """
        bad = self._first_bad(chunk)
        row = (self._done + bad) // self._row_bytes
        self._done += len(chunk)
        if bad >= 0 and row < self.limit:
            raise BaseModelError(
                f"{self.table.file.path}: row {row} of {self.table.name} holds NaN or Inf: the base is "
                "damaged, download it again"
            )
        self.padded |= bad >= 0


def hash_range(stream: BinaryIO, begin: int, end: int, advance: Advance = lambda done: None) -> str:
    """The sha256 of the bytes of an unbuffered stream from `begin` to `end`, hexadecimal."""
    digest = hashlib.sha256()
    for chunk in _chunks(stream, begin, end):
        digest.update(chunk)
        advance(len(chunk))
    return digest.hexdigest()


def table_bytes(checkpoint: Checkpoint) -> int:
    """How many bytes `examine_tables` reads."""
    tables = (*checkpoint.tables, *primitive_tables(checkpoint))
    entries = (table.file.tensors[table.name] for table in tables)
    return sum(entry.end - entry.begin for entry in entries)


def _read(table: Table, advance: Advance, scan: _Scan | None, rows: int = 0) -> tuple[str, str]:
    """The sha256 of a matrix, and of its first `rows` rows."""
    entry = table.file.tensors[table.name]
    start = table.file.data_start
    middle = entry.begin + (entry.end - entry.begin) // table.rows * rows
    digest, done, first = hashlib.sha256(), 0, ""
    with table.file.path.open("rb", buffering=0) as stream:
        parts = ((entry.begin, middle), (middle, entry.end))
        for chunk in (part for begin, end in parts for part in _chunks(stream, start + begin, start + end)):
            if entry.begin + done == middle:
                first = digest.hexdigest()
            if scan is not None:
                scan.add(chunk)
            digest.update(chunk)
            done += len(chunk)
            advance(len(chunk))
    return digest.hexdigest(), first if middle < entry.end else digest.hexdigest()


def _chunks(stream: BinaryIO, begin: int, end: int) -> Iterator[memoryview]:
    """The bytes of a range of a file, in one reused buffer."""
    buffer = bytearray(min(_CHUNK, end - begin))
    while begin < end:
        view = memoryview(buffer)[: min(_CHUNK, end - begin)]
        stream.seek(begin)
        count = stream.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise BaseChangedError("a weight file changed while it was being read: run the command again")
        yield view[:count]
        begin += count


def _first_bad(dtype: str) -> Callable[[memoryview], int]:
    """A function that returns the byte offset of the first element whose exponent is all ones, or -1."""
    kind, ones = _EXPONENTS[dtype]

    def first(chunk: memoryview) -> int:
        bits: NDArray[np.unsignedinteger] = np.frombuffer(chunk, dtype=kind)
        bad = (bits & bits.dtype.type(ones)) == ones
        return int(bad.argmax()) * bits.itemsize if bad.any() else -1

    return first
