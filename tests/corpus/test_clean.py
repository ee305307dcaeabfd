import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vocabx.corpus.clean import clean

# Random text would rarely contain the characters that cleaning is about.
RESIDUE = "\0\x08\x0b\x0c\x1c\x7f\x85\ufeff\ufffd\r\n\t \u3000\u2028\u2029e\u0301\u1100\u1161\uac00台"
TEXTS = st.text() | st.text(st.sampled_from(RESIDUE), max_size=30)


@given(TEXTS)
@example("a\r\r\n\n\x00\n b")
@example("\ufeff\n\n\u0301")
def test_cleaning_twice_changes_nothing_more(text):
    once = clean(text)
    assert clean(once) == once


@given(TEXTS)
def test_no_control_character_or_decoder_residue_survives(text):
    allowed = {"\n", "\t"}
    left = [c for c in clean(text) if unicodedata.category(c) == "Cc" or c in "\ufeff\ufffd"]
    assert set(left) <= allowed


@given(TEXTS)
def test_cleaned_text_is_composed(text):
    assert unicodedata.is_normalized("NFC", clean(text))


@given(TEXTS)
def test_no_line_ends_in_white_space_and_no_gap_is_wider_than_one_empty_line(text):
    cleaned = clean(text)
    assert all(line == line.rstrip() for line in cleaned.split("\n"))
    assert "\n\n\n" not in cleaned
    assert cleaned == cleaned.strip("\n")


@given(st.lists(st.text("abc 台語", min_size=1).filter(lambda line: line == line.strip())))
def test_clean_text_is_left_as_it_is(lines):
    text = "\n".join(line for line in lines if line)
    assert clean(text) == text


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_kind_of_line_break_separates_words(newline):
    assert clean(f"page one{newline}page two") == "page one\npage two"


def test_byte_order_marks_are_removed():
    assert clean("\ufeff第一行\n\ufeff第二行") == "第一行\n第二行"


def test_indentation_and_tabs_inside_a_line_are_kept():
    assert clean("\u3000\u3000段落\t欄  \n  x") == "\u3000\u3000段落\t欄\n  x"


def test_zero_width_joiners_are_kept():
    text = "क्\u200dष می\u200cخواهم 👩\u200d👧"
    assert clean(text) == text
