"""Protected text is tokenized as before, in a language that shares the base's script."""

import pytest
from real_tokenizers import read_once

from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.verify import Texts, verify

SUBJECTS = "Der Lehrer,Die Schülerin,Das Mädchen,Ein Nachbar,Unser Bürgermeister,Jede Verkäuferin".split(",")
VERBS = (
    "schreibt täglich,überprüft gründlich,erklärt ausführlich,verkauft gelegentlich,sucht vergeblich".split(
        ","
    )
)
OBJECTS = (
    "die Rechnungen,den Schlüssel,eine Übersetzung,das Wörterbuch,die Straßenbahn,viele Geschichten".split(
        ","
    )
)
GERMAN = [f"{s} {v} {o}." for s in SUBJECTS for v in VERBS for o in OBJECTS]
# Loan words: tokens learned from them would occur in English.
LOANS = ["Die metaclass, der docstring, ein iterable und jedes namespace der subclass im codec."] * 30
GERMAN += LOANS
LATIN = Alphabet(("Latin",))


@pytest.fixture(
    scope="module",
    params=["gpt2_json", "llama2_json", pytest.param("t5_json", marks=pytest.mark.slow), "bert_json"],
)
def base(request):
    return read_once(request.getfixturevalue(request.param))


def test_protected_lines_do_not_change_and_the_language_still_gains(base, english):
    protected = english[:1500]
    extension = extend_tokenizer(base, GERMAN, LATIN, TokenRequest(protected=protected), base.size, Quiet())
    texts = Texts(GERMAN, english[1500:1700], protected, adversarial=300)
    claims = {claim.name: claim for claim in verify(base, extension.tokenizer, LATIN, texts).claims}
    assert (claims["protected"].checked, claims["protected"].failed) == (1500, 0)
    assert claims["protected"].required
    assert [claim.name for claim in claims.values() if claim.failed and claim.required] == []
    before, after = (sum(map(len, t.encode(GERMAN))) for t in (base, extension.tokenizer))
    assert after < 0.85 * before


def test_the_cost_of_protection_is_measured_with_the_same_number_of_tokens(base, english):
    request = TokenRequest(12, protected=english[:1500])
    extension = extend_tokenizer(base, GERMAN, LATIN, request, base.size, Quiet())
    free = extension.without_protection()
    assert free is not None
    assert free.size == extension.tokenizer.size == base.size + 12
    lengths = [sum(map(len, t.encode(GERMAN))) for t in (free, extension.tokenizer, base)]
    assert lengths[0] <= lengths[1] < lengths[2]


def test_without_protection_the_base_language_does_change(gpt2_json, english):
    base = read_once(gpt2_json)
    extension = extend_tokenizer(base, GERMAN, LATIN, TokenRequest(None), base.size, Quiet())
    assert extension.tokenizer.encode(english) != base.encode(english)
