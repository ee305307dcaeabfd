"""Where tables and keys of a TOML file stand: tomllib reads values, and forgets their lines.

A file is a sequence of statements, each of which is TOML by itself: lines are added to a statement until
tomllib reads it. What looks like a key inside a string or a list of several lines is therefore none.
"""

import tomllib
from typing import Any

Path = tuple[str, ...]


def lines_of(text: str) -> dict[Path, int]:
    """The line, counted from 1, on which each table and key of a valid TOML text begins, by its path.

    Of the tables of an array, the first one counts. Keys inside of inline tables have no line of their own.
    """
    found: dict[Path, int] = {}
    table: Path = ()
    statement, begin = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        statement += f"{line}\n"
        try:
            content = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if statement.lstrip().startswith("["):
            table = _path(content)
            found.setdefault(table, begin)
        elif content:
            path = _path(content)
            for length in range(1, len(path) + 1):
                found.setdefault((*table, *path[:length]), begin)
        statement, begin = "", number + 1
    return found


def _path(content: Any) -> Path:
    """The path of a statement's only table or key."""
    path: list[str] = []
    while isinstance(content, dict) and len(content) == 1:
        ((name, content),) = content.items()
        path.append(name)
        if isinstance(content, list):
            break
    return tuple(path)
