"""Reads JSON lines, and .json files: an array of records, records one after another, or JSON lines."""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from vocabx.corpus.fields import NoText, text_of
from vocabx.corpus.skipped import Tally
from vocabx.errors import CorpusError

_DECODER = json.JSONDecoder()
# Characters read at once from a file that is not in lines.
_BLOCK = 1 << 16


def texts_of_lines(lines: Iterable[str], field: str, name: str, tally: Tally) -> Iterator[str]:
    """Yield the text of each JSON line; lines without text are counted and left out.

    Args:
        lines: the file.
        field: the field with the text, see `text_of`.
        name: of the file, for messages.
        tally: counts the records.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name} line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            tally.malformed(where, f"{where} is not JSON: {error}")
            continue
        yield from counted_text(record, field, where, tally)
    tally.end()


def texts_of_json(lines: Iterable[str], field: str, name: str, tally: Tally) -> Iterator[str]:
    """Yield the text of each record of a .json file, whatever of the three its form is.

    Raises:
        CorpusError: it is none of the three, or most of its records have no text.
    """
    lines = iter(lines)
    first = next((line for line in lines if line.strip()), "")
    if _is_json(first) and not first.lstrip().startswith("["):
        yield from texts_of_lines(chain([first], lines), field, name, tally)
        return
    for number, record in enumerate(_values(chain([first], lines), name), 1):
        yield from counted_text(record, field, f"{name} record {number}", tally)
    tally.end()


def counted_text(record: Any, field: str, where: str, tally: Tally) -> Iterator[str]:
    """The text of a record, counted; nothing if it has none."""
    try:
        text = text_of(record, field)
    except NoText as error:
        (tally.malformed if error.malformed else tally.without_text)(where, f"{where} has {error}")
        return
    except (RecursionError, UnicodeDecodeError) as error:
        tally.malformed(where, f"{where} is no text: {error}")
        return
    tally.text()
    yield text


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _values(lines: Iterable[str], name: str) -> Iterator[Any]:
    """The values of a file, or the elements of its array: decoded one at a time."""
    blocks = _blocks(lines)
    buffer = next(blocks, "").lstrip()
    array = buffer.startswith("[")
    buffer = buffer[1:] if array else buffer
    at, needed, reason = 0, _BLOCK, ""
    while True:
        while at < len(buffer) and buffer[at] in " \t\r\n,":
            at += 1
        ended = array and buffer.startswith("]", at)
        try:
            if at == len(buffer) or ended:
                raise ValueError
            value, end = _DECODER.raw_decode(buffer, at)
            reason = ""
            # More digits of a number may follow.
            whole = end < len(buffer)
        except RecursionError:
            raise CorpusError(f"{name} is not JSON: it is nested too deeply") from None
        except ValueError as error:
            whole, reason = False, str(error)
        if ended:
            return
        if whole:
            yield value
            at = end
            needed = _BLOCK
            continue
        # Twice as much every time, so that a long record is not parsed from its beginning too often.
        more = "".join(_take(blocks, needed))
        if not more:
            if not array and at == len(buffer):
                return
            if not array and buffer[at:] and _is_json(buffer[at:]):
                yield json.loads(buffer[at:])
                return
            raise CorpusError(f"{name} is not JSON: {reason or 'the file ends early'}")
        buffer, at = buffer[at:] + more, 0
        needed *= 2


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        for start in range(0, len(line), _BLOCK):
            yield line[start : start + _BLOCK]


def _take(blocks: Iterator[str], size: int) -> Iterator[str]:
    taken = 0
    while taken < size and (block := next(blocks, "")):
        taken += len(block)
        yield block
