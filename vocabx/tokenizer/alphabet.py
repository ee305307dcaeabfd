"""Which tokens a language may get: characters of its scripts, and UTF-8 prefixes of those characters.

A token that ends inside a character is allowed only when every completion belongs to the language. So a text
without the language's characters and punctuation contains no new token, whatever was learned.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex


@dataclass(frozen=True)
class Alphabet:
    """The characters of a language.

    Attributes:
        scripts: Unicode script names, e.g. "Han"; characters that list one in Script_Extensions count.
        blocks: further inclusive ranges of code points, e.g. full-width punctuation.
    """

    scripts: tuple[str, ...]
    blocks: tuple[tuple[int, int], ...] = ()

    @cached_property
    def _own(self) -> "regex.Pattern[str]":
        """One character that a token may contain."""
        return regex.compile(self._own_class)

    @cached_property
    def _all_own(self) -> "regex.Pattern[str]":
        """A text of such characters only."""
        return regex.compile(f"{self._own_class}*+")

    @property
    def _own_class(self) -> str:
        return _class("scx", self.scripts, self.blocks)

    def word_class(self, further: str = "") -> str:
        """A character class of the scripts' letters and marks, and of `further` characters.

        It is written as ranges of characters, which every reader of a pattern knows: five read the
        intersection of two classes otherwise, without a word.
        """
        return f"[{_letters(self.scripts)}{further}]"

    def allows(self, character: str) -> bool:
        """Whether a token may contain `character`."""
        return self._own.fullmatch(character) is not None

    def allows_token(self, token: bytes) -> bool:
        """Whether `token` consists of allowed characters, the last one possibly incomplete.

        One leading space is allowed, as tokens of running text begin with one; so is a space alone.
        """
        whole, rest = split_unfinished(token.removeprefix(b" "))
        try:
            text = whole.decode()
        except UnicodeDecodeError:
            return False
        return self._all_own.fullmatch(text) is not None and (not rest or self.allows_prefix(rest))

    def touches(self, text: str) -> bool:
        """Whether `text` contains a character that some allowed token could contain, in whole or in part."""
        touching, others = _met(self)
        characters = set(text)
        if not touching.isdisjoint(characters):
            return True
        for character in characters - others:
            if self.allows(character) or any(map(self.allows_prefix, _prefixes(character))):
                touching.add(character)
                return True
            others.add(character)
        return False

    def allows_prefix(self, prefix: bytes) -> bool:
        """Whether every completion of `prefix`, an incomplete UTF-8 character, belongs to the language.

        Where most completions are the language's own, a few without a script (punctuation) are tolerated; a
        letter of another script is not.
        """
        return _only_continued_by(self, prefix)


@lru_cache(maxsize=16)
def _met(alphabet: Alphabet) -> tuple[set[str], set[str]]:
    """The characters met so far that touch the language, and those that do not; `touches` adds to them."""
    return set(), set()


@lru_cache(maxsize=4096)
def _only_continued_by(alphabet: Alphabet, prefix: bytes) -> bool:
    assigned = _UNASSIGNED.sub("", "".join(map(chr, _completions(prefix))))
    others = alphabet._own.sub("", assigned)
    if not others:
        return bool(assigned)
    # A few punctuation marks in the language's block are acceptable; a few letters in an emoji block are not.
    own = "".join(alphabet._own.findall(assigned))
    scripted = len(regex.findall(_class("Script", alphabet.scripts), own))
    return scripted >= _MOST * len(assigned) and _NO_SCRIPT.fullmatch(others) is not None


@lru_cache(maxsize=16)
def _letters(scripts: tuple[str, ...]) -> str:
    """The letters and marks of scripts, as the inside of a character class."""
    inside = "".join(rf"\p{{{script}}}" for script in scripts)
    every = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    runs = regex.findall(rf"[[{inside}]&&[\p{{L}}\p{{M}}]]+", every, regex.V1)
    return "".join(run if len(run) < 3 else f"{run[0]}-{run[-1]}" for run in runs)


_MOST = 0.75
_UNASSIGNED = regex.compile(r"\p{Cn}+")
_NO_SCRIPT = regex.compile(r"[\p{Script=Common}\p{Script=Inherited}]*+")


def _class(name: str, scripts: Iterable[str], blocks: Iterable[tuple[int, int]] = ()) -> str:
    """A character class of the scripts by the property `name`, and of ranges of code points."""
    properties = (rf"\p{{{name}={script}}}" for script in scripts)
    ranges = (rf"\U{low:08x}-\U{high:08x}" for low, high in blocks)
    return f"[{''.join((*properties, *ranges))}]"


def split_unfinished(token: bytes) -> tuple[bytes, bytes]:
    """Split off the last character of `token` if it is incomplete; the second part is empty otherwise."""
    for length in range(1, min(4, len(token) + 1)):
        byte = token[-length]
        if 0x80 <= byte < 0xC0:
            continue
        needs = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        return (token[:-length], token[-length:]) if needs > length else (token, b"")
    return token, b""


def _prefixes(character: str) -> list[bytes]:
    """The proper UTF-8 prefixes of `character` of two bytes or more."""
    data = character.encode()
    return [data[:length] for length in range(2, len(data))]


def _completions(prefix: bytes) -> range:
    """Code points whose UTF-8 begins with `prefix`, without surrogates."""
    lead = prefix[0]
    needs = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    code = lead & (0x7F >> needs)
    for byte in prefix[1:]:
        code = code << 6 | byte & 0x3F
    shift = 6 * (needs - len(prefix))
    low, high = code << shift, (code + 1) << shift
    # Exclude overlong forms and code points beyond the last one.
    least = {2: 0x80, 3: 0x800, 4: 0x10000}[needs]
    low, high = max(low, least), min(high, 0x110000)
    if 0xD800 <= low < 0xE000:
        low = min(high, 0xE000)
    return range(low, high)
