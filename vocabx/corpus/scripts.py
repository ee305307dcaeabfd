"""Unicode scripts as regular expressions. For the scripts of a language see `languages`."""

from collections.abc import Iterable
from functools import cache

import regex

LETTERS = regex.compile(r"\p{L}++")
# What letters of several scripts have in place of one.
_NO_SCRIPT = ("Zyyy", "Zinh", "Zzzz")


def script_of_letter(character: str) -> str:
    """The script of a letter by Unicode's name, such as "Canadian_Aboriginal", or "" if it has none.

    Python's own database knows no scripts, and lacks letters of newer ones.
    """
    if not LETTERS.match(character):
        return ""
    from fontTools import unicodedata

    code = unicodedata.script(character)
    name: str = "" if code in _NO_SCRIPT else unicodedata.script_name(code).replace(" ", "_")
    return name if name and _is_known(name) else ""


@cache
def _is_known(script: str) -> bool:
    """Whether `regex` knows a script too, whose version of Unicode may be an older one."""
    try:
        regex.compile(rf"\p{{Script={script}}}")
    except regex.error:
        return False
    return True


def letter_pattern(scripts: Iterable[str]) -> "regex.Pattern[str]":
    """A pattern that matches one letter or mark of any of `scripts` (Unicode script names, e.g. "Han")."""
    inside = "".join(rf"\p{{Script={script}}}" for script in scripts)
    return regex.compile(f"[[{inside}]&&[\\p{{L}}\\p{{M}}]]", regex.V1)


def letters_of(text: str) -> int:
    """The number of letters (general category L) in `text`, of any script."""
    return sum(map(len, LETTERS.findall(text)))
