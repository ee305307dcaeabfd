from hypothesis import given
from hypothesis import strategies as st

from vocabx.corpus.passages import passages

TEXTS = st.text() | st.text(st.sampled_from("字a😀。！？!?\n」』）) "), max_size=200)
LIMITS = st.integers(4, 60)


@given(TEXTS, LIMITS)
def test_no_character_is_lost_between_passages(text, limit):
    assert "".join(passages(text, limit)) == text


@given(TEXTS, LIMITS)
def test_no_passage_is_empty_or_over_the_limit(text, limit):
    assert all(0 < len(passage.encode()) <= limit for passage in passages(text, limit))


@given(TEXTS)
def test_a_text_within_the_limit_is_one_passage(text):
    assert passages(text, max(4, len(text.encode()))) == ([text] if text else [])


@given(st.lists(st.text("字詞句", min_size=1, max_size=5), min_size=1), st.integers(24, 60))
def test_sentences_within_the_limit_are_never_split(sentences, limit):
    text = "".join(sentence + "。" for sentence in sentences)
    assert all(passage.endswith("。") for passage in passages(text, limit))


def test_a_closing_quote_stays_with_its_sentence():
    assert passages("他說：「好。」她走了。", 24) == ["他說：「好。」", "她走了。"]


def test_a_passage_takes_as_many_sentences_as_fit():
    assert passages("一。二。三。四。", 12) == ["一。二。", "三。四。"]


def test_a_sentence_over_the_limit_is_split_between_characters():
    assert passages("字" * 10, 14) == ["字字字字", "字字字字", "字字"]


def test_a_sentence_of_words_is_split_between_words():
    assert passages("one two three four", 10) == ["one two ", "three four"]


def test_a_number_does_not_end_a_sentence():
    assert passages("It is 3.14 now. And more follows.", 20) == ["It is 3.14 now. ", "And more follows."]


def test_the_passages_of_real_text_concatenate_to_it(verses):
    text = "\n".join(verses)
    found = passages(text, 3000)
    assert "".join(found) == text
    assert max(len(passage.encode()) for passage in found) <= 3000
    assert len(found) < 1.2 * len(text.encode()) / 3000
