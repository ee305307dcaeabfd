"""Word vectors as text: one word per line, the word and its numbers separated by spaces.

The word is everything before the last S numbers, because some files have words with spaces. A malformed line,
with too few numbers or NaN, is left out and counted; a file most of whose lines are malformed is refused.
"""

import warnings
from pathlib import Path

import numpy as np

from vocabx.errors import VectorsError
from vocabx.vectors.content import open_content
from vocabx.vectors.space import Matrix, WordVectors, distinct

# A file whose first lines are all malformed is refused without reading the rest.
_PATIENCE = 100


def read_text(path: Path, header: tuple[int, int] | None) -> WordVectors:
    """Read vectors from a text file.

    Args:
        path: the file, possibly compressed with gzip.
        header: the number of words and the width that the first line announces; None if it has none.

    Raises:
        VectorsError: most lines are malformed, or the file is truncated.
    """
    words, width = header or _measured(path)
    # No more rows than the file can contain: a wrong first line must not allocate all available memory.
    matrix = np.empty((min(words, _most_rows(path, width)), width), dtype=np.float32)
    names: list[str] = []
    malformed: list[VectorsError] = []
    with open_content(path) as stream:
        if header is not None:
            stream.readline()
        for line in stream:
            parts = line.rstrip(b" \t\r\n").replace(b"\t", b" ").rsplit(b" ", width)
            if len(parts) == 1 and not parts[0]:
                continue
            if len(names) + len(malformed) == words:
                raise VectorsError(
                    f"{path}: has more lines than the {words:,} that its first line announces: fix that line"
                )
            try:
                numbers = _numbers(path, len(names) + len(malformed) + 1, parts, width)
            except VectorsError as error:
                malformed.append(error)
                if len(malformed) > max(len(names), _PATIENCE):
                    break
                continue
            matrix[len(names)] = numbers
            names.append(parts[0].decode("utf-8", "replace"))
    if len(malformed) > len(names):
        raise malformed[0]
    if len(names) + len(malformed) < words:
        raise VectorsError(
            f"{path}: announces {words:,} words and has {len(names):,}: it is truncated, download it again"
        )
    kept, rows, _ = distinct(names, matrix[: len(names)])
    origin = f"{path.name}, text, {len(kept):,} words of {width}"
    if malformed:
        origin += f"; {len(malformed):,} malformed line{'s' * (len(malformed) > 1)} left out"
    return WordVectors(kept, rows, origin=origin)


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
    if len(numbers) != width or not np.isfinite(numbers).all():
        raise error
    return numbers


def _number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True
