"""The widened pre-tokenizer splits no word of its language, and other text as before."""

import pytest
from real_tokenizers import read_once

from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.widen import widened

WORDS = {
    "Devanagari": "हिन्दी किताबें लिखनेवालों को पढ़ने की ज़रूरत होती है क्योंकि शिक्षा",
    "Tamil": "தமிழ் மொழியில் எழுதுபவர்கள் படிக்க வேண்டும் என்பது முக்கியம்",
    "Thai": "ผู้ที่เขียนหนังสือ จำเป็นต้องอ่านหนังสือ เพราะการศึกษา",
}  # fmt: skip
BASES = ("gpt2_json", "llama3_json", "qwen_json", "cl100k_json")


def words_of(tokenizer, text):
    words = tokenizer.rust.pre_tokenizer.pre_tokenize_str(text)
    return [text[start:end] for _, (start, end) in words]


@pytest.fixture(scope="module", params=BASES)
def wide(request):
    """A base, and a function that widens it for a script."""
    base = read_once(request.getfixturevalue(request.param))
    return base, lambda script: base.adapted(Alphabet((script,)))


@pytest.mark.parametrize("script", WORDS)
def test_words_that_the_base_splits_stay_whole(wide, script):
    base, widen = wide
    text = WORDS[script]
    assert len(words_of(base, text)) > len(text.split()), "the base splits no word"
    assert [word.strip() for word in words_of(widen(script), text)] == text.split()


def test_text_without_the_script_is_split_as_before(wide, english):
    base, widen = wide
    adapted = widen("Devanagari")
    alphabet = Alphabet(("Devanagari",))
    for text in [*english[:500], *adversarial_strings(1500, 2, long=False)]:
        if not alphabet.touches(text):
            assert words_of(adapted, text) == words_of(base, text)


def test_brackets_and_quotes_do_not_split_words(gpt2_json, qwen_json):
    for path in (gpt2_json, qwen_json):
        base, text = read_once(path), '(किताबें) "है" a-शिक्षा'
        whole = words_of(base.adapted(Alphabet(("Devanagari",))), text)
        assert any("किताबें" in word for word in whole)
        assert any("शिक्षा" in word for word in whole)


def test_joiners_do_not_split_words(gpt2_json):
    adapted = read_once(gpt2_json).adapted(Alphabet(("Devanagari",)))
    assert words_of(adapted, "क्\u200dष") == ["क्\u200dष"]


def test_smollm2_still_splits_digits(base):
    adapted = base.adapted(Alphabet(("Thai",)))
    assert words_of(adapted, "2010") == ["2", "0", "1", "0"]


def test_a_pattern_with_marks_is_left_as_it_is(o200k_json):
    base = read_once(o200k_json)
    assert base.adapted(Alphabet(("Devanagari",))).spec["pre_tokenizer"] == base.spec["pre_tokenizer"]


def test_an_unsupported_pre_tokenizer_is_refused_with_the_reason():
    split = {"type": "Split", "pattern": {"Regex": r"\p{L}|\p{N}"}, "behavior": "Isolated", "invert": False}
    with pytest.raises(TokenizerError, match="no alternative for letters"):
        widened(split, Alphabet(("Thai",)))
    spaced = {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}
    with pytest.raises(TokenizerError, match="adds a space before"):
        widened(spaced, Alphabet(("Thai",)))


def test_an_adapted_extension_passes_every_claim_and_compresses_better(gpt2_json, english):
    base, thai = read_once(gpt2_json), Alphabet(("Thai",))
    lines = [WORDS["Thai"], WORDS["Thai"][5:], WORDS["Thai"][20:]] * 5
    kept, adapted = (
        extend_tokenizer(base, lines, thai, TokenRequest(adapt=adapt), base.size, Quiet()).tokenizer
        for adapt in (False, True)
    )
    certificate = verify(base, adapted, thai, Texts(lines, english[:500], adversarial=600))
    assert [claim for claim in certificate.claims if claim.failed and claim.required] == []
    assert "pre-tokenizer" in {claim.name for claim in certificate.claims}
    assert sum(map(len, adapted.encode(lines))) < sum(map(len, kept.encode(lines)))
