import hashlib
import re
import unicodedata

import pytest
from tokenizers import Tokenizer

from vocabx.tokenizer.adversarial import adversarial_strings

LITERALS = ("<|mine|>", "<|im_start|>")
# A pattern for each kind of string.
KINDS = {
    "a combining mark at the start": r"^[\u0300-\u034E]",
    "a combining mark on a space": r"[ \t\n][\u0300-\u034E]",
    "stacked marks": r"[a-z][\u0300-\u034E\u0483-\u0489\u20D0-\u20F0]{3}",
    "joined emoji": r"[👨👩🧑]\u200D[👨👩🧑❤🔥💻]",
    "a joiner that joins nothing": r"\u200D$",
    "a skin tone": r"👍[🏻🏼🏽🏾🏿]",
    "a flag": r"^[🇦-🇿]{2}$",
    "half a flag": r"^[🇦-🇿]$",
    "a keycap": r"[0-9#*]\uFE0F\u20E3",
    "a tag sequence": r"🏴[\U000E0030-\U000E007A]+\U000E007F",
    "a tag sequence without an end": r"🏴[\U000E0030-\U000E007A]+$",
    "scripts mixed in a word": r"[а-я][\u4E00-\u9FA5]|[α-ω][а-я]",
    "words of scripts": r"[а-я] [\u05D0-\u05EA]",
    "a run of spaces": r"[a-z] {20}",
    "a run of tabs": r"[a-z]\t{20}",
    "a run of newlines": r"[a-z]\n{20}",
    "a run of CRLF": r"[a-z](\r\n){20}",
    "a run of exotic spaces": r"[a-z]([\u2000-\u200A]{20}|\u3000{20})",
    "white space mixed": r"[ \u3000\u2003][\t\v][\r\n]",
    "a rare plane": r"[\U00020000-\U0003FFFD]",
    "an unassigned character": r"[a-z][\u0378\u0379\U00040000-\U000DFFFD]",
    "private use": r"[a-z][\uE000-\uF8FF\U000F0000-\U0010FFFD]",
    "a noncharacter": r"[a-z][\uFDD0-\uFDEF\uFFFE\uFFFF\U0010FFFE\U0010FFFF]",
    "Arabic digits": r"[٠-٩]",
    "Devanagari digits": r"[०-९]",
    "digits of two scripts": r"[٠-٩][०-೯]|[०-೯][٠-٩]",
    "a literal alone": r"^<\|mine\|>$",
    "a literal inside a word": r"[a-z]<\|mine\|>[a-z]",
    "a literal doubled": r"<\|mine\|><\|mine\|>",
    "a truncated literal": r"<\|mi$",
    "another tokenizer's literal": r"\[MASK\]",
    "a literal in capitals": r"<\|MINE\|>",
    "a SentencePiece space": "▁",
    "a byte token": "<0x0A>",
    "a control character": r"[a-z][\x00-\x08]",
    "a bidi control": r"\u202E",
    "an invisible character": r"[a-z][\u200B\u2060\u00AD][a-z]",
    "a compatibility character": r"[\uFF01-\uFF5E]",
    "a letter with an odd case": "İ",
    "a word of a thousand letters": r"[a-z]{1000}",
    "code": r"[a-z][!-/:-@]+\n +[a-z]",
    "a contraction": r"[a-z]'ll ",
}


@pytest.fixture(scope="module")
def strings():
    return adversarial_strings(seed=1, literals=LITERALS)


def test_the_number_of_strings_is_ten_thousand_or_as_requested(strings):
    assert len(strings) == 10_000
    for count in (0, 1, 2, 50, 3000):
        assert len(adversarial_strings(count, 1)) == count
        assert len(adversarial_strings(count, 1, long=False)) == count


def test_a_seed_gives_the_same_strings_on_every_python(strings):
    assert strings == adversarial_strings(seed=1, literals=LITERALS)
    assert strings != adversarial_strings(seed=2, literals=LITERALS)
    # Equal on 3.10 to 3.13. A new hash changes every certificate: say so in the commit.
    digest = hashlib.sha256("\0".join(strings[:-1]).encode()).hexdigest()
    assert digest == "34c427b308afebec4f5acaf675004183d350d6d1f93b939d3ef04d23c1ad00da"


def test_fewer_strings_are_a_prefix_of_more(strings):
    assert adversarial_strings(2000, 1, LITERALS)[:-1] == strings[:1999]


def test_every_general_category_occurs_and_no_surrogate(strings):
    found = {unicodedata.category(character) for text in strings for character in text}
    assert found == {unicodedata.category(chr(code)) for code in range(0x110000)} - {"Cs"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_occurs(strings, kind):
    pattern = re.compile(KINDS[kind])
    assert any(pattern.search(text) for text in strings[:-1])


def test_the_same_text_occurs_composed_and_decomposed(strings):
    halves = [text.split(" ") for text in strings if text.count(" ") == 1]
    assert any(a != b and unicodedata.normalize("NFD", a) == b for a, b in halves)
    assert any(a != b and unicodedata.normalize("NFC", a) == b for a, b in halves)


def test_exactly_one_string_is_a_megabyte_of_one_character(strings):
    long = [text for text in strings if len(text) > 10_000]
    assert long == [strings[-1]]
    assert len(set(long[0])) == 1
    assert 999_990 < len(long[0].encode()) <= 1_000_000
    assert {adversarial_strings(1, seed)[0][0] for seed in range(20)} == {"a", " ", "中"}
    assert max(map(len, adversarial_strings(seed=1, literals=LITERALS, long=False))) < 10_000


@pytest.mark.parametrize("literals", [(), ("",)])
def test_a_tokenizer_without_special_tokens_gets_those_of_others(literals):
    assert any("<|im_start|>" in text for text in adversarial_strings(2000, 1, literals, long=False))


def test_gpt2_decodes_every_string_to_itself(strings, gpt2_json):
    tokenizer = Tokenizer.from_file(str(gpt2_json))
    ids = [encoding.ids for encoding in tokenizer.encode_batch(strings, add_special_tokens=False)]
    assert tokenizer.decode_batch(ids, skip_special_tokens=False) == strings


@pytest.mark.parametrize("name", ["llama2_json", "t5_json", "bert_json"])
def test_tokenizers_of_other_families_encode_every_string(request, strings, name):
    tokenizer = Tokenizer.from_file(str(request.getfixturevalue(name)))
    assert len(tokenizer.encode_batch(strings)) == len(strings)
