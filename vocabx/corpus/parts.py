"""Divides a large plain .txt or .jsonl file into parts that are read apart, each from one record to another.

A part is nominally `SIZE` bytes. Its reader finds where it really begins: in a .jsonl file behind the first
end of a line, in a .txt file, whose documents are runs of lines, behind the first blank line. So the parts
have the documents of the file. Left out: compressed files, which can only be read from their beginning,
tables and .json, whose records may hold ends of lines, UTF-16 and UTF-32, and files behind http://, where not
all servers send parts.
"""

import codecs
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from vocabx.corpus.formats import Source, TextFile, compression_of, format_of, opened, size_of
from vocabx.errors import CorpusError

SIZE = 16 << 20
# Bytes of a line that are in memory at a time.
_CHUNK = 1 << 16
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Part:
    """A part of a file.

    Attributes:
        number: of the part, from 0.
        size: nominal bytes of each part.
    """

    number: int
    size: int

    def bytes_of(self, file: TextFile) -> int:
        """The nominal bytes of this part of a file."""
        return max(0, min(self.size, (size_of(file) or 0) - self.number * self.size))

    def open(self, file: TextFile, raw: IO[bytes]) -> io.BufferedReader:
        """The content of this part, whose position is 0 at its beginning.

        Args:
            file: the file, whose name tells its format.
            raw: the same, open.
        """
        total, paragraphs = size_of(file) or 0, format_of(file) == "txt"

        def begin(number: int) -> int | None:
            return _begin(raw, number * self.size, self.size, paragraphs) if number else 0

        start = begin(self.number)
        if start is None:
            return io.BufferedReader(_Span(raw, 0))
        # What begins in no other part belongs to this one.
        later = map(begin, range(self.number + 1, -(-total // self.size)))
        end = next((found for found in later if found is not None), total)
        raw.seek(start)
        return io.BufferedReader(_Span(raw, end - start), _CHUNK)


def parts_of(source: Source, size: int | None = None) -> Iterator[Part | None]:
    """The parts of a source, or None once for one that is read as a whole.

    Args:
        source: a file, or the name of a data set.
        size: nominal bytes of a part, by default `SIZE`.
    """
    size = size or SIZE
    if not isinstance(source, str) and (size_of(source) or 0) >= 2 * size and _can_be_divided(source):
        yield from (Part(number, size) for number in range(-(-(size_of(source) or 0) // size)))
    else:
        yield None


def _can_be_divided(file: TextFile) -> bool:
    if format_of(file) not in ("txt", "jsonl") or compression_of(file):
        return False
    if not isinstance(file, Path) and str(file).startswith("http"):
        return False
    try:
        with opened(file) as stream:
            return not stream.read(2).startswith(_WIDE)
    except (OSError, CorpusError):
        # Its reader says what is wrong with it.
        return False


def _begin(stream: IO[bytes], cut: int, size: int, paragraphs: bool) -> int | None:
    """Where the first record behind a cut begins, None if that is more than `size` bytes further."""
    at = cut - 1
    stream.seek(at)
    # Of the line that the cut is in, only the end is known: it does not count as blank.
    blank = False
    while at < cut + size and (line := stream.readline(_CHUNK)):
        at += len(line)
        blank = blank and not line.strip()
        if line.endswith(b"\n"):
            if blank or not paragraphs:
                return at
            blank = True
    return None


class _Span(io.RawIOBase):
    """The next bytes of a stream."""

    def __init__(self, raw: IO[bytes], left: int) -> None:
        self.raw, self.left, self.done = raw, left, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        data = self.raw.read(min(len(buffer), self.left))
        buffer[: len(data)] = data
        self.left -= len(data)
        self.done += len(data)
        return len(data)

    def tell(self) -> int:
        return self.done


def grouped(sizes: Iterable[int], groups: int) -> list[slice]:
    """Divide items of these sizes into at most so many runs of about the same size, none empty."""
    # Items of no known size are taken for equal.
    sizes = [size + 1 for size in sizes]
    ends, done, total = [0], 0, sum(sizes)
    for number, size in enumerate(sizes, 1):
        done += size
        if done * groups >= len(ends) * total:
            ends.append(number)
    return [slice(start, end) for start, end in pairwise(ends)]
