import json

import pytest

from vocabx.errors import TokenizerError
from vocabx.tokenizer.byte_alphabet import to_alphabet
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.learn import learn_merges
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.select import select_merges
from vocabx.tokenizer.units import tokenize_units


@pytest.fixture(scope="module")
def candidates(base, chinese, verses):
    units = tokenize_units(base, verses, chinese.allows_token)
    return learn_merges(base, units, 8000, chinese.allows_token)


@pytest.mark.parametrize("wanted", [1, 50, 2000, 4000])
def test_exactly_the_requested_number_of_tokens_is_selected_and_used(base, verses, candidates, wanted):
    selection = select_merges(base, candidates, verses, wanted)
    tokenizer = base.extended(selection.merges, base.size)
    assert tokenizer.size == base.size + wanted
    usage = tokenizer.usage(verses)[base.size :]
    assert (usage == selection.usage).all()
    assert (usage > 0).sum() >= 0.98 * wanted


def test_an_unused_intermediate_is_dropped_with_its_descendants(base):
    word, other = "предъявительницей", "щёголеватость"
    pieces = [[base.token_bytes[i] for i in base.encode([text])[0]] for text in (word, other)]
    # Each merge of the chain only builds the next: only the last token is ever used.
    chain = [Merge(b"".join(pieces[0][:n]), pieces[0][n], 3) for n in range(1, len(pieces[0]))]
    pairs = [Merge(pieces[1][n], pieces[1][n + 1], 1) for n in (0, 2)]
    kept = select_merges(base, [*chain, *pairs], [word, other], 2, used_share=1.0)
    assert kept.merges == tuple(pairs)
    assert kept.unused == 0
    assert kept.dropped == 2


def test_an_unused_token_may_build_one_that_the_base_has(base):
    # A base with a token that none of its merges builds, but a new merge does.
    pieces = [base.token_bytes[i] for i in base.encode(["龘"])[0]]
    spec = json.loads(json.dumps(base.spec))
    spec["model"]["vocab"][to_alphabet(b"".join(pieces))] = base.size
    odd = ByteLevelTokenizer(spec)
    chain = [Merge(b"".join(pieces[:n]), pieces[n], 5) for n in range(1, len(pieces))]
    rest = [base.token_bytes[i] for i in base.encode(["щёголеватость"])[0]]
    others = [Merge(rest[n], rest[n + 1], 1) for n in (0, 2)]
    selection = select_merges(odd, [*chain, *others], ["龘龘", "щёголеватость"], 2, used_share=1.0)
    assert selection.merges == tuple(others)
    assert b"".join(pieces) in odd.extended(selection.merges, odd.size).token_bytes.values()


def test_too_many_tokens_are_refused_with_the_number_that_the_text_supports(base, verses, candidates):
    with pytest.raises(TokenizerError, match=r"supports only \d+ new tokens, not 100000: lower --new-tokens"):
        select_merges(base, candidates, verses, 100_000)
