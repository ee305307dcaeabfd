"""JSON files, read so that whatever is wrong with one is one sentence: which file, which field, what to do.

Our own files are read as classes of typed fields, and hold nothing else. Files that others write are objects
of any fields, in the wider JSON that Python's json module writes, which knows NaN and infinity.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from vocabx._util.shorten import shortened
from vocabx.errors import VocabxError

Kind = TypeVar("Kind")
# A size or an id: no count is negative.
Count = Annotated[int, msgspec.Meta(ge=0)]
_LONGEST, _LONGEST_SAID, _LONGEST_NAME = 300, 170, 60
_NAMES = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_KINDS = {bool: "bool", int: "int", float: "float", str: "str", list: "array", dict: "object"}
# The message of msgspec about a value that does not fit, and its place in the file.
_PLACED = re.compile(r"(?P<reason>.*?)(?: - at `(?:key` in `)?\$(?P<place>[^`]*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
_TYPE = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_BOUND = re.compile(r"Expected `int` >= (\d+)")


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON file of ours, or an object in one: it has every field without a default, and no others."""

    def plain(self) -> dict[str, Any]:
        """The content as plain data, ready for JSON."""
        content: dict[str, Any] = msgspec.to_builtins(self, enc_hook=_plain)
        return content


def is_there(path: Path) -> bool:
    """Whether the name exists, even as a directory or a dangling link: then it must be readable."""
    return os.path.lexists(path)


def read_object(path: Path, error: type[VocabxError], remedy: str) -> dict[str, Any]:
    """Read a JSON object of any fields, written by other software.

    Args:
        path: the file.
        error: what to raise if it cannot be read.
        remedy: what the user can do then.
    """
    try:
        content = json.loads(_data(path, error, remedy).decode("utf-8"))
    except UnicodeDecodeError:
        raise refusal(path, error, "is not UTF-8 text", remedy) from None
    except (ValueError, RecursionError):
        raise refusal(path, error, "is not JSON", remedy) from None
    return _object(path, content, error, remedy)


def read_fields(path: Path, kind: type[Kind], error: type[VocabxError], remedy: str) -> Kind:
    """Read a file of ours that carries no number of its format.

    Args:
        path: the file.
        kind: what it holds.
        error: what to raise if it is damaged.
        remedy: what the user can do then.
    """
    return fit(path, _own(path, _data(path, error, remedy), error, remedy), kind, error, remedy)


def read_format(path: Path, number: int, error: type[VocabxError], remedy: str) -> dict[str, Any]:
    """Read the fields of a file of ours that carries the number of its format; `fit` gives them types.

    Args:
        path: the file.
        number: of the format that is known; the field is not among those that are returned.
        error: what to raise if it is damaged, or of another format.
        remedy: what the user can do then.
    """
    content = _object(path, _own(path, _data(path, error, remedy), error, remedy), error, remedy)
    if "format" not in content:
        raise refusal(path, error, "is damaged at format: it is missing", remedy)
    found = content.pop("format")
    if type(found) is not int:
        says = f"is damaged at format: expected an integer, got {_name_of(found)}"
        raise refusal(path, error, says, remedy)
    if found != number:
        says = f"was written by another version of vocabx, in format {_short(repr(found))} and not {number}"
        raise refusal(path, error, says, f"use that version, or {remedy}")
    return content


def read_lines(
    path: Path, kind_of: Callable[[dict[str, Any]], type[Kind]], error: type[VocabxError], remedy: str
) -> list[Kind]:
    """Read a file of ours with one object per line, to which a run appends.

    An incomplete last line, left by a crash, is ignored.

    Args:
        path: the file.
        kind_of: what a line holds, by its fields.
        error: what to raise if a line is damaged.
        remedy: what the user can do then.
    """
    *lines, last = _data(path, error, remedy, empty=True).split(b"\n")
    lines += [last] if is_json(last) else []
    found = []
    for number, line in enumerate(lines, 1):
        place = f"line {number}"
        content = fit(path, _own(path, line, error, remedy, place), dict[str, Any], error, remedy, place)
        found.append(fit(path, content, kind_of(content), error, remedy, place))
    return found


def fit(
    path: Path, content: Any, kind: type[Kind], error: type[VocabxError], remedy: str, place: str = ""
) -> Kind:
    """The content of a file as values of a type.

    Args:
        path: the file.
        content: plain data.
        kind: what it holds. A `Written`, and those in it, admit no unknown fields.
        error: what to raise if it does not fit.
        remedy: what the user can do then.
        place: where in the file the content stands, "" for the whole file.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as damage:
        found = _PLACED.fullmatch(str(damage))
        reason, inner = (found["reason"], found["place"] or "") if found else (str(damage), "")
        if (field := _FIELD.fullmatch(reason)) is not None:
            inner += f".{field[2]}"
            reason = "it is missing" if field[1] == "missing required" else "no such field is known"
        where = ", ".join(filter(None, (place, _short(inner.lstrip(".").replace("[...]", "[…]")))))
        says = f"is damaged{' at ' if where else ''}{where}: {_in_words(reason)}"
        raise refusal(path, error, says, remedy) from None
    except RecursionError:
        raise refusal(path, error, "is damaged: it is nested too deeply", remedy) from None
    except UnicodeEncodeError:
        raise refusal(path, error, "is damaged: it holds half of a surrogate pair", remedy) from None


def is_json(line: bytes) -> bool:
    """Whether a line is complete JSON, even without a newline at its end."""
    try:
        msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return False
    return True


def refusal(path: Path, error: type[VocabxError], says: str, remedy: str) -> VocabxError:
    """An error about a file, of one line and at most 300 characters: a long path loses its beginning.

    Args:
        path: the file.
        error: its class.
        says: what is wrong, as "is damaged at sizes.tokens: expected an integer, got a string".
        remedy: what the user can do, as "write the checkpoint again".
    """
    says = _printable(says)[:_LONGEST_SAID]
    rest = f" {says}{'; ' if ': ' in says else ': '}{remedy}"
    name, room = _printable(str(path)), max(_LONGEST - len(rest), _LONGEST_NAME)
    return error((name if len(name) <= room else f"…{name[len(name) - room + 1 :]}") + rest)


def _data(path: Path, error: type[VocabxError], remedy: str, empty: bool = False) -> bytes:
    try:
        # Opening a pipe would wait for a writer.
        data = path.read_bytes() if path.is_file() or not path.exists() else None
    except FileNotFoundError:
        raise refusal(path, error, "is not there", remedy) from None
    except OSError as failed:
        says = f"cannot be read: {failed.strerror or type(failed).__name__}"
        raise refusal(path, error, says, remedy) from None
    if data is None:
        raise refusal(path, error, "is no file", remedy)
    if not data.strip() and not empty:
        raise refusal(path, error, "is empty", remedy)
    return data


def _own(path: Path, data: bytes, error: type[VocabxError], remedy: str, place: str = "") -> Any:
    """Parse strict JSON: text that is not UTF-8, NaN, infinities and numbers out of range are refused."""
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
        says = f"is damaged at {place}: it is not JSON" if place else "is not JSON"
        raise refusal(path, error, says, remedy) from None


def _object(path: Path, content: Any, error: type[VocabxError], remedy: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise refusal(path, error, f"holds {_name_of(content)}, not a JSON object", remedy)
    return content


def _in_words(reason: str) -> str:
    """The message of msgspec, without its type names."""
    if (types := _TYPE.fullmatch(reason)) is not None:
        wanted = " or ".join(_NAMES.get(name, name) for name in types[1].split(" | "))
        return f"expected {wanted}, got {_NAMES.get(types[2], types[2])}"
    if reason.startswith("Expected `str` matching"):
        return "no such name can stand here"
    if (bound := _BOUND.fullmatch(reason)) is not None:
        return f"expected an integer of at least {bound[1]}"
    return _short(reason[:1].lower() + reason[1:])


def _name_of(value: Any) -> str:
    return _NAMES[_KINDS.get(type(value), "null")]


def _short(text: str) -> str:
    return shortened(_printable(text), _LONGEST_NAME)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)


def _plain(value: Any) -> Any:
    # numpy's float64 is a float to Python and to its json.
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not for JSON")
