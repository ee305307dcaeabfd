"""Leaves that nobody needs are removed, and text without them is tokenized as before."""

from collections import Counter

import numpy as np
import pytest
from real_tokenizers import read_once

from vocabx.corpus.languages import find_language
from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.prove_pruned import prune_claims, pruned_for, scripts_in
from vocabx.tokenizer.prune import rarest_leaves, without

RUSSIAN = ["При свете лампы приветливый привратник приветствовал прибывших. Привет, мир!"] * 3
REMOVED = 60


@pytest.fixture(scope="module", params=["gpt2_json", "llama2_json", "mistral_model"])
def base(request):
    return read_once(request.getfixturevalue(request.param))


def pieces_of_merges(tokenizer):
    for rule in tokenizer.rules():
        left, right = rule.split(" ") if isinstance(rule, str) else rule
        yield left, right


def pruned_base(base, count=REMOVED, scripts=("Latin", "Han")):
    usage = base.usage(RUSSIAN)
    return without(base, rarest_leaves(base, usage, scripts, count)), usage


def test_what_is_removed_is_of_other_scripts_and_built_into_nothing(base):
    pruned, _ = pruned_base(base)
    removed = {base.id_to_piece[index] for index in pruned.removed}
    assert len(removed) == REMOVED
    assert removed.isdisjoint(pruned.tokenizer.vocabulary)
    assert pruned.tokenizer.size == base.size - REMOVED
    assert not {part for pair in pieces_of_merges(pruned.tokenizer) for part in pair} & removed
    for index in pruned.removed:
        text = base.token_bytes[index].decode("utf-8", "ignore")
        assert any(character.isalpha() and not character.isascii() for character in text)
        assert not any("一" <= character <= "龥" for character in text)


def test_the_order_is_that_of_a_slow_obvious_rule(base):
    # Each time, of all leaves the one that the text holds least, and of these the latest.
    count, scripts = 12, ("Latin", "Han")
    usage = base.usage(RUSSIAN)
    counts = dict(enumerate(usage.tolist()))
    rules = [
        (base.vocabulary[left], base.vocabulary[right], base.vocabulary[left + right])
        for left, right in pieces_of_merges(base)
    ]
    allowed = set(rarest_leaves(base, usage, scripts, REMOVED))
    taken = []
    for _ in range(count):
        parts = {part for left, right, _ in rules for part in (left, right)}
        made = {token for _, _, token in rules}
        leaves = [token for token in allowed & made if token not in parts]
        worst = min(leaves, key=lambda token: (counts[token], -token))
        left, right, _ = next(rule for rule in rules if rule[2] == worst)
        counts[left] += counts[worst]
        counts[right] += counts[worst]
        rules = [rule for rule in rules if rule[2] != worst]
        taken.append(worst)
    assert tuple(sorted(taken)) == rarest_leaves(base, usage, scripts, count)


def test_text_without_removed_tokens_is_tokenized_as_before_and_other_text_is_counted(base, english):
    pruned, _ = pruned_base(base)
    same, changed = prune_claims(pruned, [english[:300], RUSSIAN], seed=0, adversarial=300)
    assert same.required
    assert same.failed == 0
    assert same.checked > 300
    assert not changed.required
    assert "Cyrillic" in scripts_in(pruned)
    assert "Cyrillic" in changed.sentence
    # By pieces, without the code that is tested.
    gone = set(pruned.removed)
    for text in [*english[:100], *adversarial_strings(200, 1, [], long=False)]:
        before = base.encode([text])[0]
        if gone.isdisjoint(before):
            after = pruned.tokenizer.encode([text])[0]
            assert [base.id_to_piece[i] for i in before] == [pruned.tokenizer.id_to_piece[i] for i in after]


def test_a_removed_tokens_text_decodes_to_itself(base):
    pruned, _ = pruned_base(base)
    for index in pruned.removed:
        text = base.token_bytes[index].decode("utf-8", "ignore")
        ids = pruned.tokenizer.encode([text])[0]
        # A token may end inside a character, without which its text may be another token.
        assert len(ids) > 1 or text.encode() != base.token_bytes[index]
        assert pruned.tokenizer.decode(ids).strip() == text.strip()


def test_new_tokens_take_the_place_of_the_removed_ones(base, verses):
    pruned, _ = pruned_base(base)
    language = find_language("zh-Hant")
    alphabet = Alphabet(language.scripts, language.blocks)
    tokenizer = pruned.tokenizer
    made = extend_tokenizer(
        tokenizer, verses[:400], alphabet, TokenRequest(REMOVED, strict=False), tokenizer.size, Quiet()
    )
    assert made.tokenizer.size == base.size
    again = pruned_for(base, made.tokenizer)
    assert again.removed == pruned.removed
    assert again.tokenizer.vocabulary == tokenizer.vocabulary


def test_a_sentencepiece_model_loses_the_same_pieces(mistral_model, english):
    import sentencepiece

    base = read_once(mistral_model)
    pruned, _ = pruned_base(base)
    processor = sentencepiece.SentencePieceProcessor(
        model_proto=pruned.tokenizer.companions()["tokenizer.model"]
    )
    assert processor.get_piece_size() == base.size - REMOVED
    for text in [*english[:100], *RUSSIAN]:
        assert processor.encode(text) == pruned.tokenizer.encode([text])[0]


def test_added_tokens_keep_their_text_and_are_found(base):
    pruned, _ = pruned_base(base)
    for token in base.spec["added_tokens"]:
        index = pruned.tokenizer.vocabulary[token["content"]]
        assert pruned.tokenizer.encode([token["content"]])[0][-1:] == [index]


def test_more_than_there_are_is_refused_by_their_number(base):
    with pytest.raises(TokenizerError, match=r"only [\d,]+ tokens of the base can be removed"):
        rarest_leaves(base, np.zeros(base.size, np.int64), ("Latin", "Han"), 1_000_000)


def test_other_families_are_refused(bert_json):
    base = read_once(bert_json)
    with pytest.raises(TokenizerError, match="--prune is for byte-level BPE and SentencePiece BPE"):
        rarest_leaves(base, np.zeros(base.size, np.int64), ("Latin",), 1)


def test_a_token_that_another_is_built_of_is_not_removed(base):
    counts = Counter(part for pair in pieces_of_merges(base) for part in pair)
    part = next(piece for piece, _ in counts.most_common() if len(piece) > 3)
    with pytest.raises(TokenizerError, match="is built of one that is to be removed"):
        without(base, [base.vocabulary[part]])
