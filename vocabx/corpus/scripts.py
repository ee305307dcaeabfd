"""Unicode scripts as patterns. What a language may write in is the business of `languages`."""

from collections.abc import Iterable

import regex

_LETTER = regex.compile(r"\p{L}")


def letter_pattern(scripts: Iterable[str]) -> "regex.Pattern[str]":
    """Pattern of one letter or mark of any of `scripts` (Unicode script names, as "Han")."""
    inside = "".join(rf"\p{{Script={script}}}" for script in scripts)
    return regex.compile(f"[[{inside}]&&[\\p{{L}}\\p{{M}}]]", regex.V1)


def letters_of(text: str) -> int:
    """Number of letters (general category L) in `text`, of any script."""
    return len(_LETTER.findall(text))
