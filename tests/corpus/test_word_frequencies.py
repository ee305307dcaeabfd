"""Default text from word frequencies: which words, how often, how joined, and what is said without them."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from vocabx.corpus.document import Document
from vocabx.corpus.languages import Language, WordList, find_language, profiles
from vocabx.corpus.sample import sample_corpus
from vocabx.corpus.scripts import letter_pattern, letters_of
from vocabx.corpus.source import learning_source
from vocabx.corpus.word_frequencies import draw_words, word_frequencies, word_text
from vocabx.errors import MissingPackageError

WITH_WORDS = [tag for tag in profiles() if find_language(tag).words]


@pytest.mark.parametrize("size", [10_000, 333_333])
def test_a_word_is_drawn_as_often_as_its_share_says_up_to_rounding(size):
    words, shares = ["a", "bcd", "éé", "一二"], [0.4, 0.35, 0.2, 0.05]
    order = draw_words(words, shares, size, seed=3)
    mean = sum(share * (len(word.encode()) + 1) for word, share in zip(words, shares, strict=True))
    counts = np.bincount(order, minlength=4)
    assert np.abs(counts - np.array(shares) * size / mean).max() <= 1
    assert np.array_equal(order, draw_words(words, shares, size, seed=3))
    assert not np.array_equal(order, draw_words(words, shares, size, seed=4))


@pytest.mark.parametrize("tag", ["hi", "zh-Hant", "ja", "ko", "tr", "sr-Latn"])
def test_the_words_of_a_language_are_in_its_script(tag, words_at_hand):
    language = find_language(tag)
    text = "\n".join(document.text for document in islice(word_text(language, 200_000), 40))
    assert len(letter_pattern(language.scripts).findall(text)) >= letters_of(text) > 5000
    spaced = Counter(" ," if tag == "ko" else "," if language.words.joined == 0 else " ")
    assert set(text) & set(" ,") == set(spaced)
    assert not any(character.isdigit() for character in text)


def test_traditional_words_are_those_of_taiwan_by_character_and_not_by_phrase(words_at_hand):
    words = word_frequencies(WordList("zh", "s2tw", 0), ["Han"])
    simplified = word_frequencies(WordList("zh", "", 0), ["Han"])
    assert {"軟件", "臺灣", "這個", "為"} <= words.keys()
    assert not {"软件", "台湾", "这个"} & words.keys()
    assert sum(words.values()) == pytest.approx(sum(simplified.values()))


def test_every_list_that_a_profile_names_is_there(words_at_hand):
    import wordfreq

    named = {find_language(tag).words.name for tag in WITH_WORDS}
    assert named == set(wordfreq.available_languages())


def test_words_alone_are_no_running_text_and_say_so(words_at_hand):
    source = learning_source(find_language("hi"))
    assert source.description == "word frequencies of wordfreq 3.1.1"
    assert not source.running
    assert "no running text" in source.nature and "--corpus hf://wikimedia" in source.nature


def test_beside_running_text_nothing_of_the_words_is_held_out(words_at_hand):
    source = learning_source(find_language("zh-Hant"))
    assert source.running
    assert source.description.endswith("bibletk 0.2, and word frequencies of wordfreq 3.1.1")
    running = [Document(f"第{number}條。這是一句話。\n" * 9, "a", number) for number in range(300)]
    words = list(islice(word_text(find_language("zh-Hant"), 100_000, learn_only=True), 50))
    alone = sample_corpus(running, ["Han"], 100_000, 3000, 0)
    mixed = sample_corpus([*running, *words], ["Han"], 100_000, 3000, 0)
    assert mixed.heldout == alone.heldout
    lines = {line for document in words for line in document.text.split("\n")}
    assert lines & set(mixed.learning)


def test_without_the_package_one_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("vocabx._util.extras.find_spec", lambda name: None)
    xx = Language("xx", "X", ("Latin",), hub="hf://owner/set", words=WordList("hi"))
    with pytest.raises(
        MissingPackageError, match=r"^this needs .* wordfreq.*: pip install 'vocabx\[wordfreq\]'$"
    ):
        learning_source(xx)
