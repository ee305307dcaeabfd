"""Sentences and their translations: a file of two columns, separated by a tab."""

from collections.abc import Iterator
from pathlib import Path

from vocabx.corpus.clean import clean
from vocabx.errors import CorpusError

Pair = tuple[str, str]


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file, cleaned; blank lines are skipped.

    Args:
        path: UTF-8 text with a pair on each line.

    Raises:
        CorpusError: there is no such file, it is not UTF-8, it holds no pair, or a line has another number of
            columns than two; the message names the line.
    """
    found = False
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as stream:
            for number, line in enumerate(stream, 1):
                if not line.strip():
                    continue
                columns = [clean(column).strip() for column in line.rstrip("\r\n").split("\t")]
                if len(columns) != 2 or not all(columns):
                    filled = sum(map(bool, columns))
                    raise CorpusError(
                        f"{path}: line {number:,} has {filled} of two sentences separated by a tab: write a "
                        "sentence, a tab and its translation on each line"
                    )
                found = True
                yield columns[0], columns[1]
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror or error}): pass a file of pairs"
        ) from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8: convert it") from error
    if not found:
        raise CorpusError(f"{path} holds no pair of sentences: write one on each line, separated by a tab")
