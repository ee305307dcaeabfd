import copy

import pytest

from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.verify import Texts, verify


@pytest.fixture
def check(extension, chinese, verses, english):
    def run(tokenizer: ByteLevelTokenizer, target=verses[:200]):
        texts = Texts(target, english[:500], adversarial=2500)
        certificate = verify(extension.base, tokenizer, chinese, texts)
        return {claim.name: claim for claim in certificate.claims}, certificate

    return run


def changed(tokenizer: ByteLevelTokenizer, change) -> ByteLevelTokenizer:
    spec = copy.deepcopy(tokenizer.spec)
    change(spec)
    return ByteLevelTokenizer(spec)


def test_a_sound_extension_holds_every_claim_on_many_cases(check, extension):
    claims, certificate = check(extension.tokenizer)
    assert certificate.passed
    assert [name for name, claim in claims.items() if claim.failed and claim.required] == []
    assert claims["base-ids"].checked == extension.base.size
    assert claims["other-text"].checked > 1000
    assert claims["round-trip"].checked > 2000
    assert claims["reachable"].checked == 1000


def test_a_changed_base_id_is_found(check, extension):
    def swap(spec):
        vocabulary = spec["model"]["vocab"]
        vocabulary["Ġthe"], vocabulary["Ġand"] = vocabulary["Ġand"], vocabulary["Ġthe"]

    claims, certificate = check(changed(extension.tokenizer, swap))
    assert claims["base-ids"].failed == 2
    assert not certificate.passed


def test_merges_before_those_of_the_base_are_found(check, extension):
    def prepend(spec):
        merges = spec["model"]["merges"]
        spec["model"]["merges"] = [*merges[len(extension.base.spec["model"]["merges"]) :], *merges]

    claims, certificate = check(changed(extension.tokenizer, prepend))
    assert claims["base-rules"].failed > 0
    assert not certificate.passed


def test_changed_english_is_found_and_quoted(check, extension):
    def shorten(spec):
        # Losing a base merge changes how English is tokenized.
        spec["model"]["merges"] = [pair for pair in spec["model"]["merges"] if pair != ["Ġt", "he"]]

    claims, certificate = check(changed(extension.tokenizer, shorten))
    assert claims["base-text"].failed > 100
    assert " the" in claims["base-text"].examples[0]
    assert not certificate.passed


def test_a_lost_pre_tokenizer_is_found(check, extension):
    def lose(spec):
        spec["pre_tokenizer"] = spec["pre_tokenizer"]["pretokenizers"][-1]

    claims, _ = check(changed(extension.tokenizer, lose))
    assert claims["pre-tokenizer"].failed > 0
    assert claims["other-text"].failed > 0


def test_a_lost_decoder_is_found_in_text_that_is_tokenized_as_before(check, extension):
    claims, certificate = check(changed(extension.tokenizer, lambda spec: spec.update(decoder=None)))
    assert claims["base-text"].failed == 0
    assert claims["settings"].failed == 1
    # Not only that of text in the new language, of which there are 200.
    assert claims["round-trip"].failed > 1000
    assert not certificate.passed


def test_a_token_that_no_merge_builds_is_found(check, extension):
    def orphan(spec):
        merges = spec["model"]["merges"]
        last = merges.pop()
        assert "".join(last) in spec["model"]["vocab"]

    claims, _ = check(changed(extension.tokenizer, orphan))
    assert claims["reachable"].failed == 1


def test_unused_tokens_are_counted_and_do_not_fail_the_certificate(check, extension, verses):
    claims, certificate = check(extension.tokenizer, verses)
    assert claims["used"].failed == int((extension.selection.usage == 0).sum())
    claims, certificate = check(extension.tokenizer, verses[:3])
    assert 900 < claims["used"].failed < 1000
    assert certificate.passed


def test_with_a_shared_script_changed_base_text_is_only_information(extension, chinese, verses):
    texts = Texts(verses[:50], verses[50:100], adversarial=100)
    certificate = verify(extension.base, extension.tokenizer, chinese, texts)
    claim = next(claim for claim in certificate.claims if claim.name == "base-text")
    assert claim.failed
    assert not claim.required
    assert certificate.passed


def test_a_base_line_that_quotes_the_language_does_not_disable_the_claim(extension, chinese, verses, english):
    lines = [*english[:300], "He said: 起初　神創造天地。"]
    texts = Texts(verses[:50], lines, adversarial=100)
    certificate = verify(extension.base, extension.tokenizer, chinese, texts)
    claim = next(claim for claim in certificate.claims if claim.name == "base-text")
    assert (claim.required, claim.checked, claim.failed) == (True, 300, 0)
