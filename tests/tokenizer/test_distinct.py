"""Units and counts by the distinct words of a text are those of the text tokenized as a whole."""

import pytest
from small_tokenizers import byte_level

from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.attainable import attainable
from vocabx.tokenizer.distinct import distinct_words, usage_in_words
from vocabx.tokenizer.learn import learn_merges
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.units import units_of

RUSSIAN = Alphabet(("Cyrillic",))
LINES = [
    "Дом и город, дом и книга: дом.",
    " город  и\u3000город\tгород ",
    "",
    "книга 2024 book книга\xa0книга",
    "город",
] * 3


def both_ways(base, lines, alphabet):
    words = distinct_words(base, lines)
    assert words is not None
    return words, [units_of(base, lines, each, alphabet.allows_token) for each in (words, None)]


def assert_same(base, lines, alphabet):
    words, (one, other) = both_ways(base, lines, alphabet)
    assert one.parts == other.parts
    assert (one.atoms, one.least) == (other.atoms, other.least)
    assert one.counts().tolist() == other.counts().tolist()
    assert one.distinct == other.distinct
    assert attainable(one, 50) == attainable(other, 50)
    merges = learn_merges(base, one, 200, alphabet.allows_token)
    assert merges and merges == learn_merges(base, other, 200, alphabet.allows_token)
    extended = base.extended(merges, base.size)
    assert usage_in_words(extended, words).tolist() == extended.usage(lines).tolist()
    assert sum(words.values()) > len(words)


def test_distinct_words_learn_the_same_merges_and_count_the_same_tokens(base, chinese, verses):
    assert_same(base, verses[:600], chinese)


def test_every_kind_of_white_space_between_words_is_kept_apart(base):
    assert_same(base, LINES, RUSSIAN)


def test_a_normalizer_is_applied_before_words_are_found(tmp_path, english):
    plain = read_tokenizer(byte_level(tmp_path / "base", english[:200]))
    base = type(plain)({**plain.spec, "normalizer": {"type": "Lowercase"}})
    assert base.encode(LINES) != plain.encode(LINES)
    assert_same(base, LINES, RUSSIAN)


@pytest.mark.parametrize("line", ["<|endoftext|>", "слово<|endoftext|> слово"])
def test_a_text_with_an_added_token_is_tokenized_as_a_whole(base, line):
    assert distinct_words(base, [*LINES, line]) is None


def test_a_text_with_bytes_that_have_no_token_is_tokenized_as_a_whole(base):
    lost = "\x04"
    assert base.lost_tokens(lost)
    assert distinct_words(base, [*LINES, lost]) is None
