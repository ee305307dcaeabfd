"""Word vectors as text: a line a word, the word and its numbers parted by spaces.

The word is what remains left of the last S numbers: some files hold words with spaces. A line of another
length is a fault of the file, and is named.
"""

import warnings
from pathlib import Path

import numpy as np

from vocabx.errors import VectorsError
from vocabx.vectors.content import open_content
from vocabx.vectors.space import Matrix, WordVectors, distinct


def read_text(path: Path, header: tuple[int, int] | None) -> WordVectors:
    """Read vectors from text.

    Args:
        path: the file, perhaps compressed by gzip.
        header: the words and the width that the first line announces; None where it is a word's already.

    Raises:
        VectorsError: a line does not hold as many numbers as the others, or the file ends early.
    """
    words, width = header or _measured(path)
    # No more rows than the file can hold: an untrue first line must not ask for all the memory there is.
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
                    f"{path}: holds more lines than the {words:,} that its first line announces"
                )
            matrix[len(names)] = _numbers(path, len(names) + 1, parts, width)
            names.append(parts[0].decode("utf-8", "replace"))
    if len(names) < words:
        raise VectorsError(
            f"{path}: announces {words:,} words and holds {len(names):,}: it is cut short; fetch it again"
        )
    kept, rows, _ = distinct(names, matrix)
    return WordVectors(kept, rows, origin=f"{path.name}, text, {len(kept):,} words of {width}")


def _measured(path: Path) -> tuple[int, int]:
    """The lines of a file without a first line that says them, and the numbers in its first."""
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
    # A word, and for each number a space and a digit; deflate packs at most 1032 bytes into one.
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return path.stat().st_size * (1032 if packed else 1) // (2 * width) + 1


def _numbers(path: Path, row: int, parts: list[bytes], width: int) -> Matrix:
    """The numbers of a line; numpy reads them all at once, many times faster than one by one."""
    fault = VectorsError(f"{path}: the line of word {row:,} does not hold a word and {width} numbers")
    if len(parts) != width + 1:
        raise fault
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            numbers: Matrix = np.fromstring(b" ".join(parts[1:]), dtype=np.float32, sep=" ")
        except (DeprecationWarning, ValueError):
            raise fault from None
    if len(numbers) != width:
        raise fault
    return numbers


def _number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True
