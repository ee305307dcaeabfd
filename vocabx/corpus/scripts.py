"""Unicode scripts as regular expressions. For the scripts of a language see `languages`."""

from collections.abc import Iterable

import regex

_LETTERS = regex.compile(r"\p{L}++")


def letter_pattern(scripts: Iterable[str]) -> "regex.Pattern[str]":
    """A pattern that matches one letter or mark of any of `scripts` (Unicode script names, e.g. "Han")."""
    inside = "".join(rf"\p{{Script={script}}}" for script in scripts)
    return regex.compile(f"[[{inside}]&&[\\p{{L}}\\p{{M}}]]", regex.V1)


def letters_of(text: str) -> int:
    """The number of letters (general category L) in `text`, of any script."""
    return sum(map(len, _LETTERS.findall(text)))
