"""Superwords: tokens across spaces, which leave text without new tokens as it was."""

import random

import pytest
from real_tokenizers import read_once

from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.superwords import extend_with_superwords, joined, spaced, spanning, words_first
from vocabx.tokenizer.verify import Texts, verify

PHRASES = (
    "auf der anderen Seite,in der Regel,zum ersten Mal,nach wie vor,im Laufe der Zeit,an der Spitze,"
    "im Gegensatz dazu,unter anderem,vor allem,in diesem Jahr"
).split(",")
WORDS = "Rechnung,Schlüssel,Übersetzung,Wörterbuch,Straßenbahn,Geschichte,Nachbar,Lehrer".split(",")
LATIN, RUSSIAN = Alphabet(("Latin",)), Alphabet(("Cyrillic",))
RUSSIAN_PHRASES = "в том числе,на самом деле,тем не менее,в первую очередь,по крайней мере".split(",")


def lines_of(phrases, words, count=300):
    draw = random.Random(0)
    return [f"{draw.choice(phrases)} {draw.choice(words)}, {draw.choice(phrases)}." for _ in range(count)]


GERMAN = lines_of(PHRASES, WORDS)
CYRILLIC = lines_of(RUSSIAN_PHRASES, "дом,город,книга,окно".split(","))


@pytest.fixture(scope="module")
def small(small_tokenizer):
    return read_tokenizer(small_tokenizer)


def test_phrases_become_tokens_and_text_gets_shorter_than_by_words_alone(small):
    request = TokenRequest(120, strict=False)
    made = extend_with_superwords(small, GERMAN, LATIN, request, small.size, Quiet())
    plain = extend_tokenizer(small, GERMAN, LATIN, request, small.size, Quiet())
    assert len(plain.pieces) <= len(made.pieces) <= 120
    assert 0 < spanning(tuple(made.pieces)) == sum(b" " in token.strip() for token in made.pieces)
    lengths = [sum(map(len, one.tokenizer.encode(GERMAN))) for one in (made, plain)]
    assert lengths[0] < 0.9 * lengths[1]
    assert made.tokenizer.usage(GERMAN)[list(made.new_ids)].tolist() == made.selection.usage.tolist()
    assert all(made.tokenizer.reaches(index) for index in made.new_ids)
    assert all(0 < len(token.split()) <= 4 for token in made.pieces if token.strip())


def test_text_without_new_tokens_is_tokenized_as_before(small, english):
    made = extend_with_superwords(small, GERMAN, LATIN, TokenRequest(120, strict=False), small.size, Quiet())
    new = set(made.new_ids)
    unchanged = 0
    # Contractions and several spaces too, at which the pre-tokenizer splits in other ways.
    lines = [*english[:400], "it's fine, isn't it?  They'll   see'em", "a  b c\td e"]
    for before, after in zip(small.encode(lines), made.tokenizer.encode(lines), strict=True):
        if new.isdisjoint(after):
            assert before == after
            unchanged += 1
    assert unchanged > 50


def test_the_certificate_holds_for_a_script_of_its_own(small, english):
    made = extend_with_superwords(
        small, CYRILLIC, RUSSIAN, TokenRequest(60, strict=False), small.size, Quiet()
    )
    assert spanning(tuple(made.pieces))
    texts = Texts(CYRILLIC, english[:300], adversarial=300)
    claims = {claim.name: claim for claim in verify(small, made.tokenizer, RUSSIAN, texts).claims}
    assert [claim.name for claim in claims.values() if claim.failed and claim.required] == []
    assert claims["pre-tokenizer"].checked > 300
    assert claims["base-text"].required


def test_protected_text_does_not_change(small, english):
    protected = [*english[:200], GERMAN[0]]
    request = TokenRequest(80, strict=False, protected=protected)
    made = extend_with_superwords(small, GERMAN, LATIN, request, small.size, Quiet())
    assert small.encode(protected) == made.tokenizer.encode(protected)


def test_each_stage_gets_as_many_tokens_as_save_most_together():
    draw = random.Random(1)
    for _ in range(20):
        one, two = (
            [Merge(b"a", b"b", draw.randint(1, 90)) for _ in range(draw.randint(1, 15))] for _ in range(2)
        )
        wanted = draw.randint(1, 20)
        saved = [
            sum(m.count for m in one[:k]) + sum(m.count for m in two[: wanted - k])
            for k in range(min(wanted, len(one)) + 1)
        ]
        assert saved[words_first(one, two, wanted)] == max(saved)


def test_a_superword_has_up_to_four_words_of_the_language():
    allows = spaced(LATIN).allows_token
    assert all(map(allows, (b"in der", b" in der Regel", b" a b c d", b"word", b" ")))
    assert not any(map(allows, (b"in  der", b"in der ", b" a b c d e", "in дом".encode(), b"in 5", b"  in")))


def test_other_families_and_bases_with_superwords_are_refused(small, llama2_json):
    with pytest.raises(TokenizerError, match="--superwords is for byte-level BPE"):
        joined(read_once(llama2_json), LATIN)
    made = extend_with_superwords(small, GERMAN, LATIN, TokenRequest(60, strict=False), small.size, Quiet())
    with pytest.raises(TokenizerError, match="has tokens across spaces already"):
        joined(made.tokenizer, LATIN)


def test_a_pattern_without_an_alternative_for_letters_is_refused(o200k_json):
    with pytest.raises(TokenizerError, match="no alternative for letters that --superwords could widen"):
        joined(read_once(o200k_json), LATIN)
