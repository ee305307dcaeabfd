"""Sentences and their translations: a file of two columns, separated by a tab."""

from collections.abc import Iterator
from pathlib import Path

from vocabx.corpus.clean import clean
from vocabx.corpus.decode import lines_of
from vocabx.errors import CorpusError

Pair = tuple[str, str]
ASKED = "each line must be a sentence, a tab, and its translation into the base's language"


def translations_in(path: Path) -> Iterator[Pair]:
    """The pairs of a file, cleaned; blank lines are skipped.

    Args:
        path: text with a pair on each line, UTF-8, or UTF-16 or UTF-32 with a byte-order mark.

    Raises:
        CorpusError: there is no such file, it is not UTF-8, it holds no pair, or a line has another number of
            columns than two or an empty one; the message names the line.
    """
    found = False
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(lines_of(path, stream), 1):
                if line.strip():
                    found = True
                    yield _pair(line, f"{path} line {number:,}")
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{path} is not UTF-8: convert it, for example with iconv -t UTF-8") from None
    if not found:
        raise CorpusError(f"{path} holds no pair of sentences: {ASKED}")


def _pair(line: str, where: str) -> Pair:
    cells = [clean(cell).strip() for cell in line.split("\t")]
    if len(cells) != 2:
        raise CorpusError(f"{where} has {len(cells)} column{'s' if len(cells) != 1 else ''}: {ASKED}")
    if not all(cells):
        raise CorpusError(f"{where} has no sentence in column {cells.index('') + 1}: {ASKED}")
    return cells[0], cells[1]
