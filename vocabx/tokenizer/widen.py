"""Pre-tokenizers that do not split a language's words.

GPT-2's pattern and its descendants match words as runs of letters, but vowel signs are marks, not letters:
Hindi, Tamil and Thai words are split before them, and no merge can cross the split. The widened pattern tries
one more alternative before the base's own: the base's alternative for letters, with the letters and marks of
the language instead of all letters. It needs one of these characters to match, so text without them is split
as before.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from vocabx.errors import TokenizerError
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.splits import GPT2

_LETTERS = r"\p{L}+"
_JOINERS = "\u200c\u200d"


def widened(pre_tokenizer: dict[str, Any] | None, alphabet: Alphabet) -> dict[str, Any]:
    """Return a copy of a tokenizer.json's pre-tokenizer that splits no word of `alphabet`.

    Raises:
        TokenizerError: it has no pattern for letters, or adds a space before every text.
    """
    return _changed(pre_tokenizer, partial(_widened_pattern, alphabet=alphabet), "--pretokenizer adapt")


def with_joined_words(pre_tokenizer: dict[str, Any] | None, alphabet: Alphabet) -> dict[str, Any]:
    """Return a copy of a tokenizer.json's pre-tokenizer that splits no words of `alphabet`, nor between them.

    Only words that single spaces separate stay together. Other alternatives of the pattern keep their places,
    so that what comes before words, such as the base's contractions, is still split off.

    Raises:
        TokenizerError: it has no pattern for letters, or adds a space before every text.
    """
    return _changed(pre_tokenizer, partial(_joined_pattern, alphabet=alphabet), "--superwords")


def _changed(
    pre_tokenizer: dict[str, Any] | None, change: Callable[[str], str], option: str
) -> dict[str, Any]:
    """A pre-tokenizer with each of its patterns changed."""
    parts = _changed_parts(pre_tokenizer or {}, change, option)
    return parts[0] if len(parts) == 1 else {"type": "Sequence", "pretokenizers": parts}


def _changed_parts(
    component: dict[str, Any], change: Callable[[str], str], option: str
) -> list[dict[str, Any]]:
    kind = component.get("type")
    if kind == "Sequence":
        return [
            part for inner in component["pretokenizers"] for part in _changed_parts(inner, change, option)
        ]
    if kind == "Split" and "Regex" in component["pattern"]:
        pattern = component["pattern"]["Regex"]
        return [{**component, "pattern": {"Regex": change(pattern)}}]
    if kind == "ByteLevel" and component.get("use_regex", True):
        if component.get("add_prefix_space"):
            raise TokenizerError(
                f"the base's pre-tokenizer adds a space before every text, so {option} cannot widen it: "
                "leave the option out"
            )
        split = {
            "type": "Split",
            "pattern": {"Regex": change(GPT2)},
            "behavior": "Isolated",
            "invert": False,
        }
        return [split, {**component, "use_regex": False}]
    return [component]


def _widened_pattern(pattern: str, alphabet: Alphabet) -> str:
    words = [part for part in _alternatives(pattern) if part.endswith(_LETTERS)]
    if not words:
        # A pattern with marks (GPT-4o's) splits no word; one without letters does not apply to words.
        if r"\p{M}" in pattern or r"\p{L}" not in pattern:
            return pattern
        raise TokenizerError(
            "the base's pre-tokenizer has no alternative for letters that --pretokenizer adapt could widen"
        )
    return "|".join([*(part.removesuffix(_LETTERS) + _word(alphabet) for part in words), pattern])


def _joined_pattern(pattern: str, alphabet: Alphabet) -> str:
    """A pattern in which every alternative for letters follows one for words and single spaces."""
    words = f"{_word(alphabet)}(?: {_word(alphabet)})*"
    found: list[str] = []
    for part in _alternatives(pattern):
        if part.endswith(_LETTERS):
            found.append(part.removesuffix(_LETTERS) + words)
        found.append(part)
    if r"\p{L}" in pattern and len(found) == len(_alternatives(pattern)):
        raise TokenizerError(
            "the base's pre-tokenizer has no alternative for letters that --superwords could widen: leave "
            "the option out"
        )
    return "|".join(found)


def _word(alphabet: Alphabet) -> str:
    # The joiners occur inside Indic and Persian words and belong to no script.
    return f"{alphabet.word_class()}{alphabet.word_class(_JOINERS)}*"


def _alternatives(pattern: str) -> list[str]:
    """The top-level alternatives of a pattern."""
    found, depth, in_class, start, position = [], 0, 0, 0, 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            position += 1
        elif character == "[":
            in_class += 1
        elif character == "]":
            in_class -= 1
        elif not in_class and character in "()":
            depth += 1 if character == "(" else -1
        elif not in_class and not depth and character == "|":
            found.append(pattern[start:position])
            start = position + 1
        position += 1
    return [*found, pattern[start:]]
