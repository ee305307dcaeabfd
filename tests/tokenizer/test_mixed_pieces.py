"""New pieces of SentencePiece bases hold letters or other characters, never both, and one digit at most."""

import pytest
from real_tokenizers import read_once

from vocabx.progress import Quiet
from vocabx.tokenizer.donor import build_donor_merges
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import is_mixed

LETTERS = ("中文", " 中", "दिल्ली", "می\u200cخواهم", "ー々", " a")
OTHERS = ("，。", " 、", "1", " ３", "…", "💡", "", " ")
MIXED = ("，我", "中。", "a1", "第3", "d'", "00", "００")


@pytest.mark.parametrize("text", [*LETTERS, *OTHERS])
def test_letters_with_marks_or_other_characters_alone_are_not_mixed(text):
    assert not is_mixed(text.encode())


@pytest.mark.parametrize("text", MIXED)
def test_letters_beside_punctuation_symbols_or_digits_and_several_digits_are_mixed(text):
    assert is_mixed(text.encode())


@pytest.mark.parametrize("fixture", ["mistral_model", "t5_json"])
def test_no_learned_piece_is_mixed(request, fixture, verses, chinese):
    base = read_once(request.getfixturevalue(fixture))
    lines = [f"，我{verse}。一００００年" for verse in verses[:300]]
    found = extend_tokenizer(base, lines, chinese, TokenRequest(150, strict=False), base.size, Quiet())
    assert found.pieces and not any(map(is_mixed, found.pieces))
    assert any("。" in token.decode("utf-8", "ignore") for token in found.pieces)


def test_a_donor_s_mixed_tokens_are_taken_by_byte_level_bases_alone(mistral_model, base, chinese):
    tokens = ["，我".encode(), "我們".encode()]
    for tokenizer, taken in ((read_once(mistral_model), {tokens[1]}), (base, set(tokens))):
        merges = build_donor_merges(tokenizer, tokens, chinese.allows_token, True).merges
        assert {merge.token for merge in merges} & set(tokens) == taken
