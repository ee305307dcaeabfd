"""Strings that break tokenizers, generated from a seed: the part of a certificate no corpus covers."""

import random
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

_FIXED = (
    "", " ", "  ", "\n", "\n\n\n", "\t", " \n \t ", "a  b   c    d", "end   ", "   start", "\r\n",
    "\x00\x01\x7f", "0123456789", "2010年1月5日", "3.14159", "１２３ＡＢＣ", "'s 't 'LL", "I've can’t",
    "naïve café", "e\u0301", "def f(x):\n    return {**x, 'k': [1, 2]}  # ok\n", "SELECT * FROM t;",
    "<html lang=\"en\">&amp;</html>", "https://example.org/a?b=c&d=%20#e", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇹🇼",
    "\u200b\u200d\ufeff", "\u202etxet", "𝔘𝔫𝔦", "𠮷野家", "中文English混ぜる한글", "日本語、テスト。",
    "Привет, мир", "नमस्ते दुनिया", "வணக்கம்", "สวัสดี", "مرحبا", "שלום",
)  # fmt: skip


def hostile_strings(count: int, seed: int, literals: Sequence[str] = ()) -> list[str]:
    """Return `count` strings: fixed ones, literal special tokens, then seeded mixtures.

    The mixtures draw from every general category of Unicode (surrogates aside), with runs of one
    character, joined emoji, stray combining marks, and white space of all kinds.

    Args:
        count: how many strings.
        seed: changes the drawn ones.
        literals: special tokens of the tokenizer, put into running text.
    """
    source = random.Random(seed)
    strings = [*_FIXED, *literals, *(f"a {literal}b中 {literal}" for literal in literals)]
    categories = _by_category()
    names = sorted(categories)
    while len(strings) < count:
        kind = source.randrange(4)
        if kind == 0:
            name = names[len(strings) % len(names)]
            strings.append("".join(source.choices(categories[name], k=source.randint(1, 12))))
        elif kind == 1:
            strings.append("".join(source.choice(categories[source.choice(names)]) for _ in range(24)))
        elif kind == 2:
            strings.append(source.choice(categories[source.choice(names)]) * source.randint(2, 300))
        else:
            words = ["".join(source.choices(categories["Ll"], k=source.randint(1, 8))) for _ in range(6)]
            strings.append(source.choice((" ", "  ", "\n", "\u3000", "\u00a0", "\u200d")).join(words))
    return strings[:count]


@lru_cache(maxsize=1)
def _by_category() -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code < 0xE000:
            found[unicodedata.category(chr(code))].append(chr(code))
    return dict(found)
