"""The text of a record: a field by name, in nested objects and lists too."""

from collections.abc import Iterator
from typing import Any

# What chats and parts of messages call their text; tried in this order.
_CONTENT = ("content", "text", "value")
_MISSING = object()
_SHOWN = 12


class NoText(Exception):
    """A record has no text. `malformed` tells a record without the field from one whose field is empty."""

    def __init__(self, problem: str, malformed: bool) -> None:
        super().__init__(problem)
        self.malformed = malformed


def text_of(record: Any, field: str) -> str:
    """The text in the field `field` of a record.

    A field of nested objects is written with dots, as "translation.de". A list on the way stands for all of
    its elements, whose texts are joined by newlines; so does a list of strings, and a list of objects that
    each have a "content", "text" or "value", as chats do. A record that is itself a string is its own text.

    Raises:
        NoText: there is no such field, or no text in it.
    """
    if isinstance(record, str):
        return _checked(record, record, field)
    found = _look_up(record, field)
    if found is _MISSING:
        raise NoText(_lacking(record, field), malformed=True)
    texts = list(_texts(found))
    if not texts and not (found is None or found == [] or found == ""):
        raise NoText(_lacking(record, field), malformed=True)
    return _checked("\n".join(texts), record, field)


def _checked(text: str, record: Any, field: str) -> str:
    if not text.strip():
        raise NoText(_lacking(record, field), malformed=False)
    # JSON can contain half a surrogate pair, which is not a character and cannot be encoded in UTF-8.
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="ignore").decode()
    return text


def _look_up(value: Any, field: str) -> Any:
    if isinstance(value, dict):
        if field in value:
            return value[field]
        head, dot, rest = field.partition(".")
        while dot:
            if head in value:
                return _look_up(value[head], rest)
            more, dot, rest = rest.partition(".")
            head = f"{head}.{more}"
    if isinstance(value, list):
        found = [one for one in (_look_up(element, field) for element in value) if one is not _MISSING]
        return found if found or not value else _MISSING
    return None if value is None else _MISSING


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8")
    elif isinstance(value, list):
        for element in value:
            named = next((name for name in _CONTENT if isinstance(element, dict) and name in element), None)
            yield from _texts(element if named is None else element[named])


def _lacking(record: Any, field: str) -> str:
    """Why a record cannot be read, with the fields that it has."""
    names = list(dict.fromkeys(_names(record))) if isinstance(record, dict | list) else []
    has = ", ".join([*names[:_SHOWN], *(["…"] if len(names) > _SHOWN else [])]) or type(record).__name__
    return f"no text in the field {field!r} (it has: {has}): pass --text-field"


def _names(value: Any, prefix: str = "") -> Iterator[str]:
    """The names of all fields, those of nested objects with dots."""
    if isinstance(value, dict):
        for name, inner in value.items():
            nested = list(_names(inner, f"{prefix}{name}."))
            yield from nested or [f"{prefix}{name}"]
    elif isinstance(value, list):
        for element in value[:_SHOWN]:
            yield from _names(element, prefix)
