"""The boundaries that no token can cross, and what widening the pre-tokenizer would leave of them."""

import pytest

from vocabx.corpus.languages import find_language
from vocabx.corpus.languages import with_scripts_of as with_scripts
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.pretokenized import boundaries_of
from vocabx.tokenizer.read_tokenizer import read_tokenizer

HINDI = ["हिन्दी में लिखा गया यह पाठ शब्दों के बीच की सीमाएँ दिखाता है।"] * 20


@pytest.fixture(scope="module")
def hindi() -> Alphabet:
    language = with_scripts(find_language("hi"), HINDI[0])
    return Alphabet(language.scripts, language.blocks)


def test_no_number_of_tokens_gets_below_the_least(gpt2_json, hindi):
    base = read_tokenizer(gpt2_json)
    found = boundaries_of(base, HINDI, hindi)
    assert found.split_share > 0.5 and found.split_share_adapted == 0
    assert found.least_adapted < found.least
    for adapt, least in ((False, found.least), (True, found.least_adapted)):
        request = TokenRequest(adapt=adapt)
        extended = extend_tokenizer(base, HINDI, hindi, request, base.size, Quiet()).tokenizer
        # All of the text is learned, so every part of it becomes one token.
        assert sum(map(len, extended.encode(HINDI))) == least
    said = found.sentence("Hindi", 1234)
    assert f"cannot get below {found.least:,}" in said and f"limit is {found.least_adapted:,}" in said
    assert len(said) <= 300


def test_nothing_is_said_where_no_word_is_split(gpt2_json, llama2_json, hindi):
    english = with_scripts(find_language("de"), "Wörter")
    latin = Alphabet(english.scripts, english.blocks)
    found = boundaries_of(read_tokenizer(gpt2_json), ["Wörter und Sätze"], latin)
    assert (found.split_share, found.least, found.sentence("German", 9)) == (0.0, 3, "")
    # SentencePiece BPE seeks tokens in the whole text.
    whole = boundaries_of(read_tokenizer(llama2_json), HINDI[:1], hindi)
    assert (whole.least, whole.sentence("Hindi", 9)) == (None, "")
