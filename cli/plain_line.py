"""One line for a terminal from text that others chose: file names, tokens, messages of other libraries."""

import json
import re
from typing import Any

LONGEST = 300
# What is left of a word, such as a path, in a line that is too long.
_SHORTEST_WORD = 40
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
# What reorders the text after it, so that it reads as something else.
_DIRECTIONS = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
# Half a pair of surrogates: what a shell passed is not UTF-8, and cannot be printed.
_HALVES = range(0xD800, 0xE000)
_SHOWN: dict[int, int | str] = {
    **dict.fromkeys((*_CONTROLS, *_DIRECTIONS, *_HALVES, 0x2028, 0x2029), "\ufffd"),
    **{code: 0x2400 + code for code in range(0x20)},
    0x7F: 0x2421,
    ord("\n"): "\n",
    ord("\t"): "\t",
}

_AWAY = re.compile("[" + "".join(map(re.escape, map(chr, _SHOWN))) + "]")


def harmless(text: str) -> str:
    """Text with a visible symbol for each control character but tab and line break."""
    return text.translate(_SHOWN)


def json_line(content: Any) -> str:
    """One JSON object, in which the control characters that JSON leaves as they are are escaped, too."""
    line = json.dumps(content, ensure_ascii=False)
    return _AWAY.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def plain_line(text: str) -> str:
    """Text as one line of at most `LONGEST` characters.

    In a longer one, long words such as paths lose their middle first, so that the sentence around them stays
    whole; then the line does. The beginning of an error says what is wrong, and its end how to mend it.
    """
    line = harmless(" ".join(text.split()))
    words, longest = line.split(" "), LONGEST
    while len(line) > LONGEST and longest >= _SHORTEST_WORD:
        line = " ".join(_without_middle(word, longest) for word in words)
        longest -= 1
    return _without_middle(line, LONGEST)


def _without_middle(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    end = longest // 2
    return f"{text[: longest - end - 1]}…{text[-end:]}"
