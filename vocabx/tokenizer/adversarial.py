"""Strings that break tokenizers, generated from a seed: the part of a certificate that no corpus covers.

A seed gives the same strings on every Python: see `adversarial_draw` for the randomness; categories are those
of Unicode 3.2, which every Python ships. Later characters are listed by code point.
"""

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, count, cycle, islice

import numpy as np

from vocabx.tokenizer.adversarial_draw import LATIN, Draw, Ranges

ADVERSARIAL_COUNT = 10_000

_FIXED = (
    "", " ", "  ", "\n", "\n\n\n", "\t", " \n \t ", "a  b   c    d", "end   ", "   start", "\r\n",
    "\x00\x01\x7f", "0123456789", "2010年1月5日", "3.14159", "１２３ＡＢＣ", "'s 't 'LL", "I've can’t",
    "naïve café", "e\u0301", "def f(x):\n    return {**x, 'k': [1, 2]}  # ok\n", "SELECT * FROM t;",
    "<html lang=\"en\">&amp;</html>", "https://example.org/a?b=c&d=%20#e", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇹🇼",
    "\u200b\u200d\ufeff", "\u202etxet", "𝔘𝔫𝔦", "𠮷野家", "中文English混ぜる한글", "日本語、テスト。",
    "Привет, мир", "नमस्ते दुनिया", "வணக்கம்", "สวัสดี", "مرحبا", "שלום",
)  # fmt: skip
_LONG_CHARACTERS = ("a", " ", "中")
_LONG_BYTES = 1_000_000


def adversarial_strings(
    count: int = ADVERSARIAL_COUNT, seed: int = 0, literals: Sequence[str] = (), long: bool = True
) -> list[str]:
    """Return `count` strings: fixed ones, literal special tokens, each category, then all kinds in turn.

    A smaller count gives a prefix of a larger one, except for the long string.

    Args:
        count: number of strings.
        seed: changes the random ones.
        literals: special tokens of the tokenizer, inserted into running text.
        long: whether the last string is one megabyte of a single character: a letter, a space, or Han.
    """
    draw = Draw(seed, literals)
    character = draw.pick(_LONG_CHARACTERS)
    longest = character * (_LONG_BYTES // len(character.encode()))
    in_text = (f"a {literal}b中 {literal}" for literal in literals)
    drawn = (kind(draw) for kind in cycle(_KINDS))
    endless = chain(_FIXED, literals, in_text, _each_category(draw), drawn)
    return [*islice(endless, count - 1), longest] if long and count else list(islice(endless, count))


# General categories.


def _each_category(draw: Draw) -> Iterator[str]:
    for characters in _by_category():
        yield "".join(draw.several(characters, 12, 12))


def _one_category(draw: Draw) -> str:
    characters = draw.pick(_by_category())
    return "".join(draw.several(characters, 1, 12))


def _any_categories(draw: Draw) -> str:
    return "".join(draw.pick(characters) for characters in draw.several(_by_category(), 24, 24))


def _run_of_one_character(draw: Draw) -> str:
    return draw.pick(draw.pick(_by_category())) * draw.number(2, 300)


@lru_cache(maxsize=1)
def _by_category() -> list[str]:
    """The characters of each general category except surrogates; the categories ordered by name."""
    points = np.concatenate((np.arange(0xD800), np.arange(0xE000, sys.maxunicode + 1))).astype("<u4")
    characters = points.tobytes().decode("utf-32-le")
    # A number for each name, in the order of their first characters.
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    found = bytes(map(numbers.__getitem__, map(unicodedata.ucd_3_2_0.category, characters)))
    each = np.frombuffer(found, dtype=np.uint8)
    return [points[each == numbers[name]].tobytes().decode("utf-32-le") for name in sorted(numbers)]


# Scripts and numbers.

# Latin with and without diacritics, Greek, Cyrillic, Armenian, Hebrew, Arabic, Devanagari, Tamil, Thai,
# Georgian, Ethiopic, Khmer, kana, Han, Hangul as syllables and as jamo.
_SCRIPTS: tuple[Ranges, ...] = (
    LATIN, ((0xE0, 0xF6), (0x100, 0x17F)), ((0x391, 0x3A1), (0x3B1, 0x3C9)), ((0x410, 0x44F),),
    ((0x561, 0x586),), ((0x5D0, 0x5EA),), ((0x627, 0x63A), (0x641, 0x64A)), ((0x905, 0x939),),
    ((0xBAE, 0xBB5),), ((0xE01, 0xE30),), ((0x10D0, 0x10F0),), ((0x1200, 0x1206),), ((0x1780, 0x17A2),),
    ((0x3041, 0x3093),), ((0x30A1, 0x30FA),), ((0x4E00, 0x9FA5),), ((0xAC00, 0xD7A3),),
    ((0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2)),
)  # fmt: skip
# The digit zero of each script; the other nine follow it.
_ZEROS = (
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0,
    0xF20, 0x1040, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1B50, 0x1BB0, 0xA620, 0xA8D0, 0xA9D0, 0xFF10,
    0x104A0, 0x11066, 0x1D7CE, 0x1D7F6, 0x1E950,
)  # fmt: skip
_NUMERALS = "½¾⅓²³¹₀₁Ⅻⅳↁ①⑳㊿㉈一二三十百千萬億〇零壱弐٪‰"
_BETWEEN_DIGITS = ("", "", "", ".", ",", "'", " ", "\u202f", "٬", "/", "-", ":", "e", "x")


def _scripts_in_one_word(draw: Draw) -> str:
    return "".join(draw.point(script) for script in draw.several(_SCRIPTS, 4, 16))


def _scripts_side_by_side(draw: Draw) -> str:
    words = [draw.text(script, 1, 8) for script in draw.several(_SCRIPTS, 2, 8)]
    return draw.pick(("", " ", "\u3000", "、")).join(words)


def _long_word(draw: Draw) -> str:
    return draw.text(draw.pick(_SCRIPTS), 200, 4000)


def _digits_of_one_script(draw: Draw) -> str:
    zero = draw.pick(_ZEROS)
    digits = [chr(zero + value) for value in draw.several(range(10), 2, 12)]
    return "".join(digit + draw.pick(_BETWEEN_DIGITS) for digit in digits)


def _digits_of_many_scripts(draw: Draw) -> str:
    digits = [chr(zero + draw.number(0, 9)) for zero in draw.several(_ZEROS, 3, 12)]
    return "".join(digit + draw.pick(("", "", draw.pick(_NUMERALS))) for digit in digits)


# White space.

_SPACES = (" ", "\t", "\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u00a0", "\u1680", "\u2003", "\u2009",
           "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000")  # fmt: skip


def _runs_of_space(draw: Draw) -> str:
    return "".join(word + draw.pick(_SPACES) * draw.number(1, 40) for word in draw.words(2, 6))


def _mixed_space(draw: Draw) -> str:
    return "".join("".join(draw.several(_SPACES, 1, 8)) + draw.pick(("", word)) for word in draw.words(1, 5))


# Combining marks where none belong.

_MARKS = ((0x0300, 0x034E), (0x0483, 0x0489), (0x0591, 0x05AF), (0x064B, 0x0652), (0x093C, 0x094D),
          (0x0E34, 0x0E3A), (0x1AB0, 0x1ABE), (0x20D0, 0x20F0), (0x302A, 0x302F), (0x3099, 0x309A),
          (0xFE20, 0xFE2F))  # fmt: skip


def _mark_at_the_start(draw: Draw) -> str:
    return draw.text(_MARKS, 1, 3) + " ".join(draw.words(1, 3))


def _marks_on_spaces(draw: Draw) -> str:
    return "".join(word + draw.pick(_SPACES) + draw.text(_MARKS, 1, 2) for word in draw.words(2, 5))


def _stacked_marks(draw: Draw) -> str:
    return "".join(letter + draw.text(_MARKS, 3, 20) for letter in draw.word())


# Emoji of several characters.

_PEOPLE = "👨👩🧑👦👧👶🧔👮💂👷"
_THINGS = "❤🔥💻🚀🌾⚕✈🏳🌈♂♀🐻❄👁🗨⚖"
_TONED = "👍👋🤚✊🙏🤷🧑👩💁"
_TONES = "🏻🏼🏽🏾🏿"
_JOINER, _AS_TEXT, _AS_EMOJI, _KEYCAP, _END_OF_TAGS = "\u200d", "\ufe0e", "\ufe0f", "\u20e3", "\U000e007f"
_REGIONS = ((0x1F1E6, 0x1F1FF),)
_TAGS = ((0xE0061, 0xE007A), (0xE0030, 0xE0039))


def _joined_emoji(draw: Draw) -> str:
    parts = [draw.pick(_PEOPLE), *draw.several(_PEOPLE + _THINGS, 1, 4)]
    dressed = [part + draw.pick(("", "", _AS_EMOJI, draw.pick(_TONES))) for part in parts]
    # Some begin or end with a dangling joiner.
    return draw.pick(("", "a", _JOINER)) + _JOINER.join(dressed) + draw.pick(("", " ", _JOINER))


def _skin_tones(draw: Draw) -> str:
    toned = [hand + draw.pick(_TONES) for hand in draw.several(_TONED, 1, 5)]
    return draw.pick(("", draw.pick(_TONES))) + draw.pick(("", " ", "a")).join(toned)


def _flags(draw: Draw) -> str:
    return draw.pick(("", "a", " ")) + draw.text(_REGIONS, 1, 9)


def _keycaps(draw: Draw) -> str:
    ends = (_AS_EMOJI + _KEYCAP, _KEYCAP, _AS_EMOJI, _AS_TEXT)
    return "".join(key + draw.pick(ends) for key in draw.several("0123456789#*", 1, 6))


def _tag_sequences(draw: Draw) -> str:
    return draw.pick(("🏴", "a", "")) + draw.text(_TAGS, 2, 6) + draw.pick((_END_OF_TAGS, ""))


# Characters that most vocabularies only have as bytes.

# N'Ko, Javanese, Cherokee's small letters, Linear B, Gothic, Brahmi, cuneiform, hieroglyphs, Tangut, musical
# signs, Adlam, and Han's extensions B, C, F and G.
_RARE = ((0x07C0, 0x07E7), (0xA984, 0xA9B2), (0xAB70, 0xABBF), (0x10000, 0x1000B), (0x10330, 0x1034A),
         (0x11005, 0x11037), (0x12000, 0x12399), (0x13000, 0x1342E), (0x17000, 0x187EC), (0x1D100, 0x1D126),
         (0x1E900, 0x1E943), (0x20000, 0x2A6D6), (0x2A700, 0x2B734), (0x2CEB0, 0x2EBE0),
         (0x30000, 0x3134A))  # fmt: skip
# Two gaps among assigned characters, and the empty planes.
_UNASSIGNED = ((0x0378, 0x0379), (0x05C8, 0x05CF),
               *((plane << 16, plane << 16 | 0xFFFD) for plane in range(4, 14)))  # fmt: skip
_PRIVATE = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))
_NONCHARACTERS = ((0xFDD0, 0xFDEF), *((plane << 16 | 0xFFFE, plane << 16 | 0xFFFF) for plane in range(17)))


def _rare_characters(draw: Draw) -> str:
    return draw.text(_RARE, 1, 12)


def _unassigned_characters(draw: Draw) -> str:
    return draw.word() + draw.text(_UNASSIGNED, 1, 8)


def _private_characters(draw: Draw) -> str:
    return draw.word() + draw.text(_PRIVATE, 1, 8)


def _noncharacters(draw: Draw) -> str:
    return draw.word() + draw.text(_NONCHARACTERS, 1, 8)


# Special tokens, and text that looks like tokens.

# Markers for spaces, bytes, and the middle and end of words.
_MARKERS = ("▁", "▁▁", "##", "##a", "Ġ", "Ċ", "ĉ", "Â", "âĢ", "@@", "</w>", "<0x0A>", "<0xE4>", "<0xZZ>")


def _literal_inside_a_word(draw: Draw) -> str:
    return draw.word() + draw.literal() + draw.word()


def _literals_in_a_row(draw: Draw) -> str:
    first = draw.literal()
    return draw.pick(("", " ", "\n")).join((first, first, draw.literal()))


def _truncated_literal(draw: Draw) -> str:
    literal = draw.literal()
    end = draw.number(1, max(1, len(literal) - 1))
    return draw.word() + " " + draw.pick((literal[:end], literal[end:], literal[:end] + " " + literal[end:]))


def _disguised_literal(draw: Draw) -> str:
    literal = draw.literal()
    forms = (literal.upper(), literal.lower(), literal + draw.point(_MARKS), " " + literal + "  ")
    return draw.word() + draw.pick((*forms, draw.point(_INVISIBLE).join(literal)))


def _marker(draw: Draw) -> str:
    return "".join(draw.pick(("", " ", word)) + draw.pick(_MARKERS) for word in draw.words(1, 6))


# Invisible characters.

_CONTROLS = ((0x00, 0x1F), (0x7F, 0x9F))
_BIDI = ((0x061C, 0x061C), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069))
_INVISIBLE = ((0x00AD, 0x00AD), (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180E),
              (0x200B, 0x200D), (0x2060, 0x2064), (0x206A, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
              (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0100, 0xE01EF))  # fmt: skip


def _control_characters(draw: Draw) -> str:
    return "".join(word + draw.point(_CONTROLS) for word in draw.words(1, 6))


def _bidi_controls(draw: Draw) -> str:
    words = [draw.text(script, 1, 5) for script in draw.several(_SCRIPTS, 2, 6)]
    return "".join(draw.point(_BIDI) + word for word in words)


def _invisible_characters(draw: Draw) -> str:
    return "".join(letter + draw.text(_INVISIBLE, 0, 2) for letter in draw.word() + draw.word())


# Several forms of the same text.

# Each of them decomposes in NFD: Latin, Vietnamese, Greek with breathings, kana, Hangul.
_COMPOSED = ((0xC0, 0xC5), (0xC8, 0xCF), (0x1EA0, 0x1EF9), (0x1F00, 0x1F07), (0x304C, 0x304C),
             (0x3070, 0x3071), (0x30F7, 0x30FA), (0xAC00, 0xD7A3))  # fmt: skip
# Replaced by NFKC: full-width and half-width forms, circled and squared characters, ligatures, mathematical
# letters, fractions; and Han characters that NFC already replaces.
_COMPATIBLE = ((0xFF01, 0xFF5E), (0xFF66, 0xFF9D), (0x2460, 0x24B5), (0x3300, 0x3357), (0xFB00, 0xFB06),
               (0x1D400, 0x1D454), (0x2153, 0x215F), (0xF900, 0xFA0D), (0x2F800, 0x2FA1D))  # fmt: skip
# Changing case changes their length or number of letters, or several letters share the result.
_ODD_CASES = "ẞßİıſΣςσǅǆŉǰΐÅ\u212b\u212aﬁﬀᾳᾼΌόǱꭰᏸ𐐀𐐨𝒜ªºⒶⓐⅠⅰ"


def _composed_and_decomposed(draw: Draw) -> str:
    text = draw.text(_COMPOSED, 1, 8)
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    return " ".join(draw.pick(((composed, decomposed), (decomposed, composed))))


def _compatible_characters(draw: Draw) -> str:
    parts = [word + draw.text(_COMPATIBLE, 1, 3) for word in ("", *draw.words(0, 4))]
    return draw.pick(("", " ")).join(parts)


def _odd_cases(draw: Draw) -> str:
    words = [word + draw.pick(_ODD_CASES) for word in draw.words(1, 4)]
    return "".join(draw.pick((word, word.upper(), word.title() + " ")) for word in words)


# ASCII punctuation.

_ASCII_MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_ENDINGS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "’s", "n't", "'", "''")


def _code(draw: Draw) -> str:
    lines = [word + "".join(draw.several(_ASCII_MARKS, 1, 12)) for word in draw.words(1, 4)]
    return draw.pick(("\n", "\r\n", "\t")).join(" " * draw.number(0, 12) + line for line in lines)


def _contractions(draw: Draw) -> str:
    return " ".join(word + draw.pick(_ENDINGS) for word in draw.words(1, 6))


_KINDS: tuple[Callable[[Draw], str], ...] = (
    _one_category, _any_categories, _run_of_one_character,
    _scripts_in_one_word, _scripts_side_by_side, _long_word, _digits_of_one_script, _digits_of_many_scripts,
    _runs_of_space, _mixed_space,
    _mark_at_the_start, _marks_on_spaces, _stacked_marks,
    _joined_emoji, _skin_tones, _flags, _keycaps, _tag_sequences,
    _rare_characters, _unassigned_characters, _private_characters, _noncharacters,
    _literal_inside_a_word, _literals_in_a_row, _truncated_literal, _disguised_literal, _marker,
    _control_characters, _bidi_controls, _invisible_characters,
    _composed_and_decomposed, _compatible_characters, _odd_cases,
    _code, _contractions,
)  # fmt: skip
