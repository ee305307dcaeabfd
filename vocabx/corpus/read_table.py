"""Reads .csv and .tsv files with a header, a document a row."""

import csv
import sys
from collections.abc import Iterable, Iterator
from itertools import chain

from vocabx.corpus.skipped import Tally
from vocabx.errors import CorpusError

# Spreadsheets of several countries write semicolons into a .csv.
_DELIMITERS = (",", ";", "\t")


def texts_of_table(
    lines: Iterable[str], field: str, name: str, tally: Tally, tabs: bool = False
) -> Iterator[str]:
    """Yield the text of each row; rows without text are counted and left out.

    Quotes have the meaning of RFC 4180 in a .csv. In a .tsv, whose writers often know no quotes, they enclose
    a field only as a pair.

    Args:
        lines: the file, with its ends of lines.
        field: the column, by its name in the first row.
        name: of the file, for messages.
        tally: counts the rows.
        tabs: whether the file is a .tsv.

    Raises:
        CorpusError: there is no such column, or most rows have no text.
    """
    # The limit is for all readers of the process; a document may be longer than the default of 128 KB.
    csv.field_size_limit(sys.maxsize)
    lines = iter(lines)
    first = next(lines, "")
    delimiter = "\t" if tabs else max(_DELIMITERS, key=first.count)
    rows = csv.reader(
        chain([first], lines),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
    )
    try:
        header = [_unquoted(cell.strip()) for cell in next(rows, [])]
        if field not in header:
            raise CorpusError(lacking_column(name, field, header))
        column = header.index(field)
        for row in rows:
            if not row:
                continue
            where = f"{name} line {rows.line_num}"
            text = row[column] if len(row) > column else ""
            if len(row) <= column:
                tally.malformed(where, f"{where} has only {len(row)} of {len(header)} columns")
            elif not text.strip():
                tally.without_text(where, f"{where} has no text in the column {field!r}")
            else:
                tally.text()
                yield _unquoted(text) if tabs else text
    except csv.Error as error:
        raise CorpusError(f"{name} line {rows.line_num} is damaged: {error}") from None
    tally.end()


def lacking_column(name: str, field: str, columns: Iterable[str]) -> str:
    """The refusal of a table without a column."""
    return f"{name} has no column {field!r} (it has: {', '.join(columns)[:120]}): pass --text-field"


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell.startswith('"') and cell.endswith('"'):
        return cell[1:-1].replace('""', '"')
    return cell
