"""The language of a text, by the package lingua-language-detector where it is installed."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from vocabx._util.extras import Packages, installed, need
from vocabx.corpus.scripts import LETTERS, script_of_letter

PACKAGES: Packages = {"lingua": "quality"}
# Characters that are looked at: more cost more, and change few answers.
_LOOKED_AT = 200
# Below this, the detector is sure that a text is in another language; close relatives are above it. Inferred.
_SURE = 0.05


def other_languages(texts: Sequence[str], tag: str) -> list[str]:
    """For each text, the name of the language that it is in where that is surely not `tag`, else "".

    Without the package, or where it does not know `tag`, all are "".
    """
    own = _known(tag)
    if own is None:
        return [""] * len(texts)
    found = _detector().compute_language_confidence_values_in_parallel([_part(text) for text in texts])
    return [_other(values, own) for values in found]


def describe(text: str) -> str:
    """What a text is, as "Russian (Cyrillic script)", without the language where it is not known.

    "" for a text without letters.
    """
    script = _script(text)
    if not script:
        return ""
    named = f"{script.replace('_', ' ')} script"
    if not installed("lingua"):
        return named
    values = _detector().compute_language_confidence_values(_part(text))
    # It answers in any case: about a script that it does not know, that all languages are as likely.
    if not values or values[0].value < 2 * _SURE:
        return named
    return f"{_name(values[0].language)} ({named})"


def _other(values: Sequence[Any], own: Any) -> str:
    if not values or values[0].language == own or values[0].value < 1 - 2 * _SURE:
        return ""
    sure = next((value.value for value in values if value.language == own), 0.0) < _SURE
    return _name(values[0].language) if sure else ""


def _part(text: str) -> str:
    """A part from the middle, for a page begins and ends with what is no running text."""
    start = max(0, (len(text) - _LOOKED_AT) // 2)
    return text[start : start + _LOOKED_AT]


def _name(language: Any) -> str:
    return str(language.name).replace("_", " ").title()


def _script(text: str) -> str:
    counts: dict[str, int] = {}
    for character in "".join(LETTERS.findall(text))[:_LOOKED_AT]:
        if script := script_of_letter(character):
            counts[script] = counts.get(script, 0) + 1
    return max(counts, key=lambda script: counts[script], default="")


@cache
def _known(tag: str) -> Any:
    """The detector's name of a language, or None."""
    if not installed("lingua"):
        return None
    lingua = need("lingua", "quality")
    try:
        code = lingua.IsoCode639_1.from_str(tag.partition("-")[0].upper())
        return lingua.Language.from_iso_code_639_1(code)
    except ValueError:
        return None


@cache
def _detector() -> Any:
    lingua = need("lingua", "quality")
    # The more accurate models take a gigabyte, and what is looked at here is longer than they are made for.
    return lingua.LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()
