"""Word vectors as text: one word per line, the word and its numbers separated by spaces.

The word is everything before the last S numbers, because some files have words with spaces. A line with too
few numbers is an error of the file, reported with its number.
"""

import warnings
from pathlib import Path

import numpy as np

from vocabx.errors import VectorsError
from vocabx.vectors.content import open_content
from vocabx.vectors.space import Matrix, WordVectors, distinct


def read_text(path: Path, header: tuple[int, int] | None) -> WordVectors:
    """Read vectors from a text file.

    Args:
        path: the file, possibly compressed with gzip.
        header: the number of words and the width that the first line announces; None if it has none.

    Raises:
        VectorsError: a line has fewer numbers than the others, or the file is truncated.
    """
    words, width = header or _measured(path)
    # No more rows than the file can contain: a wrong first line must not allocate all available memory.
    matrix = np.empty((min(words, _most_rows(path, width)), width), dtype=np.float32)
    names: list[str] = []
    with open_content(path) as stream:
        if header is not None:
            stream.readline()
        for line in stream:
            parts = line.rstrip(b" \t\r\n").replace(b"\t", b" ").rsplit(b" ", width)
            if len(parts) == 1 and not parts[0]:
                continue
            if len(names) == len(matrix):
                raise VectorsError(
                    f"{path}: has more lines than the {words:,} that its first line announces: fix that line"
                )
            matrix[len(names)] = _numbers(path, len(names) + 1, parts, width)
            names.append(parts[0].decode("utf-8", "replace"))
    if len(names) < words:
        raise VectorsError(
            f"{path}: announces {words:,} words and has {len(names):,}: it is truncated, download it again"
        )
    kept, rows, _ = distinct(names, matrix)
    return WordVectors(kept, rows, origin=f"{path.name}, text, {len(kept):,} words of {width}")


def _measured(path: Path) -> tuple[int, int]:
    """The number of lines of a file without a header, and of numbers in its first line."""
    with open_content(path) as stream:
        first = stream.readline(1 << 20).rstrip(b" \t\r\n").replace(b"\t", b" ").split(b" ")
        lines = int(len(first) > 0) + sum(1 for line in stream if line.strip())
    width = 0
    while width < len(first) - 1 and _number(first[-1 - width]):
        width += 1
    if width < 2:
        raise VectorsError(
            f"{path}: no file of word vectors: pass fastText .bin or .vec, word2vec, or GloVe text"
        )
    return lines, width


def _most_rows(path: Path, width: int) -> int:
    # At least a space and a digit per number; deflate compresses at most 1032 bytes into one.
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return path.stat().st_size * (1032 if packed else 1) // (2 * width) + 1


def _numbers(path: Path, row: int, parts: list[bytes], width: int) -> Matrix:
    """The numbers of a line, parsed by numpy at once, many times faster than one by one."""
    error = VectorsError(f"{path}: the line of word {row:,} is not a word and {width} numbers")
    if len(parts) != width + 1:
        raise error
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            numbers: Matrix = np.fromstring(b" ".join(parts[1:]), dtype=np.float32, sep=" ")
        except (DeprecationWarning, ValueError):
            raise error from None
    if len(numbers) != width:
        raise error
    return numbers


def _number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True
