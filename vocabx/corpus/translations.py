"""Sentences and their translations: a file of two columns, separated by a tab."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from vocabx.corpus.clean import clean
from vocabx.corpus.decode import lines_of
from vocabx.corpus.scripts import letter_pattern
from vocabx.errors import CorpusError

Pair = tuple[str, str]
_ASKED = "each line must be a sentence, a tab, and its translation into the base's language"


def translations_in(path: Path, scripts: Sequence[str] = ()) -> Iterator[Pair]:
    """The pairs of a file, cleaned; blank lines are skipped.

    Args:
        path: text with a pair on each line, UTF-8, or UTF-16 or UTF-32 with a byte-order mark.
        scripts: Unicode script names of the language of the first column; empty where they are unknown.

    Raises:
        CorpusError: there is no such file, it is not UTF-8, it holds no pair, or a line has another number of
            columns than two or an empty one; the message names the line. At the end of the file, that its
            columns are exchanged: the scripts are in the second one more than twice as often (inferred;
            languages may share a script, and some sentences are but digits).
    """
    letters = letter_pattern(scripts) if scripts else None
    found, first, second = False, 0, 0
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(lines_of(path, stream), 1):
                if line.strip():
                    found = True
                    pair = _pair(line, f"{path} line {number:,}")
                    if letters is not None:
                        first += letters.search(pair[0]) is not None
                        second += letters.search(pair[1]) is not None
                    yield pair
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{path} is not UTF-8: convert it, for example with iconv -t UTF-8") from None
    if not found:
        raise CorpusError(f"{path} holds no pair of sentences: {_ASKED}")
    if 2 * first < second:
        raise CorpusError(
            f"{path}: {' or '.join(scripts)} script is in the second column: exchange the columns, {_ASKED}"
        )


def _pair(line: str, where: str) -> Pair:
    cells = [clean(cell).strip() for cell in line.split("\t")]
    if len(cells) != 2:
        raise CorpusError(f"{where} has {len(cells)} column{'s' if len(cells) != 1 else ''}: {_ASKED}")
    if not all(cells):
        raise CorpusError(f"{where} has no sentence in column {cells.index('') + 1}: {_ASKED}")
    return cells[0], cells[1]
