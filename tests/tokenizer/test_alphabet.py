import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocabx.tokenizer.alphabet import Alphabet, split_unfinished

CHINESE = Alphabet(("Han", "Bopomofo"), ((0x3000, 0x303F), (0xFF00, 0xFFEF)))
JAPANESE = Alphabet(("Han", "Hiragana", "Katakana"), CHINESE.blocks)
THAI = Alphabet(("Thai",))
RUSSIAN = Alphabet(("Cyrillic",))


@pytest.mark.parametrize("token", ["中", "中文", "，", "。」", "ㄅ", "々"])
def test_a_token_of_the_script_and_its_punctuation_is_allowed(token):
    assert CHINESE.allows_token(token.encode())


@pytest.mark.parametrize("token", ["a", "中a", "  中", "1", "中1", "\n", "—", "’", "の", "한", "😀"])
def test_a_token_that_text_in_the_base_language_could_contain_is_refused(token):
    assert not CHINESE.allows_token(token.encode())


def test_a_token_may_have_one_leading_space_and_no_other():
    assert RUSSIAN.allows_token(" мир".encode())
    assert CHINESE.allows_token(" 中".encode())
    assert not RUSSIAN.allows_token("м р".encode())
    assert not RUSSIAN.allows_token("мир ".encode())


def test_an_incomplete_character_is_allowed_only_if_every_completion_is_of_the_language():
    assert CHINESE.allows_token("中".encode()[:2])
    assert CHINESE.allows_token("中文".encode()[:5])
    assert THAI.allows_token("ก".encode()[:2]), "the baht sign is the only common character beside Thai"
    assert not CHINESE.allows_token("—".encode()[:2]), "dashes and quotes of every language share this prefix"
    assert not CHINESE.allows_token(b"\xf0\x9f"), "emoji share this prefix"
    assert not JAPANESE.allows_token(b"\xf0\x9f"), "one Hiragana sign among the emoji is not enough"


def test_a_token_that_begins_inside_a_character_is_refused():
    assert not CHINESE.allows_token("中文".encode()[1:])
    assert not CHINESE.allows_token(b"\x96\x87")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(0, 3))
def test_splitting_loses_nothing_and_leaves_complete_characters(text, missing):
    data = text.encode()[: max(1, len(text.encode()) - missing)]
    whole, rest = split_unfinished(data)
    assert whole + rest == data
    whole.decode()
    assert len(rest) < 4


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_text_that_does_not_touch_the_language_shares_no_character_with_it(text):
    for alphabet in (CHINESE, THAI, RUSSIAN):
        if not alphabet.touches(text):
            assert not any(map(alphabet.allows, text))
