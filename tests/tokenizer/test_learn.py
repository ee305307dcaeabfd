import json
import re
from collections import Counter

import pytest
from continued_bpe import learn as oracle_learn

from vocabx.errors import TokenizerError
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.families.byte_level import ByteLevelTokenizer
from vocabx.tokenizer.learn import learn_merges
from vocabx.tokenizer.units import tokenize_units

RUSSIAN = "При свете лампы приветливый привратник приветствовал прибывших. Привет, мир! "


def learned(base, lines, alphabet, limit=500, **options):
    units = tokenize_units(base, lines, alphabet.allows_token)
    return learn_merges(base, units, limit, alphabet.allows_token, **options), units


def test_merges_are_those_of_bpe_over_the_bases_tokens(base, chinese, verses):
    lines = verses[:120]
    merges, _ = learned(base, lines, chinese)
    assert [merge.count for merge in merges[:150]] == oracle_learn(base, lines, chinese, 150)


def test_merges_are_those_of_bpe_in_a_script_with_spaces(base):
    alphabet = Alphabet(("Cyrillic",))
    lines = [RUSSIAN, RUSSIAN.lower(), RUSSIAN[10:60]] * 3
    merges, _ = learned(base, lines, alphabet)
    assert len(merges) > 20
    assert [merge.count for merge in merges[:20]] == oracle_learn(base, lines, alphabet, 20)


def test_counts_predict_the_length_of_the_corpus_exactly(base, chinese, verses):
    merges, units = learned(base, verses, chinese, limit=3000)
    for size in (1, 100, 1500, 3000):
        tokens = base.extended(merges[:size], base.size).usage(verses).sum()
        assert tokens == units.atoms - sum(merge.count for merge in merges[:size])


def test_every_merge_joins_existing_tokens(base, chinese, verses):
    merges, _ = learned(base, verses, chinese, limit=3000)
    known = set(base.token_bytes.values())
    for merge in merges:
        assert {merge.left, merge.right} <= known
        known.add(merge.token)


def test_no_merge_makes_a_token_outside_the_language(base, chinese, verses):
    mixed = [f"{verse} The quick — brown’s “fox” 😀😀 {verse[:5]} 1234" for verse in verses[:400]]
    merges, _ = learned(base, mixed, chinese)
    assert merges
    assert all(chinese.allows_token(merge.token) for merge in merges)


def test_units_cover_exactly_the_characters_of_the_language(base, chinese, verses):
    units = tokenize_units(base, [f"Gen 1:{verse} end" for verse in verses[:300]], chinese.allows_token)
    found = Counter()
    for unit, count in enumerate(units.counts().tolist()):
        found[b"".join(units.parts[unit]).decode().strip(" ")] += count
    expected = Counter(c for verse in verses[:300] for c in verse if chinese.allows(c))
    assert +Counter({c: n for c, n in found.items() if c}) == expected


@pytest.mark.parametrize("lines", [[], ["only English here"], ["中"]])
def test_nothing_is_learned_from_text_without_repeated_pairs(base, chinese, lines):
    assert learned(base, lines, chinese)[0] == []


def test_literal_special_tokens_in_the_text_do_not_change_what_is_learned(base, chinese, verses):
    marked = [f"<|im_start|>{verse}<|endoftext|>" for verse in verses[:300]]
    assert learned(base, marked, chinese)[0] == learned(base, verses[:300], chinese)[0]


def test_tokenizing_units_reports_every_text(base, chinese, verses):
    done = []
    tokenize_units(base, verses[:1500], chinese.allows_token, done.append)
    assert sum(done) == 1500


def test_a_token_with_the_name_of_an_added_token_is_not_learned(base, chinese, verses):
    from vocabx.tokenizer.byte_alphabet import to_alphabet

    merges, _ = learned(base, verses, chinese)
    spec = json.loads(json.dumps(base.spec))
    clash = dict(spec["added_tokens"][0], id=base.size, content=to_alphabet(merges[0].token))
    spec["added_tokens"].append(clash)
    again, _ = learned(ByteLevelTokenizer(spec), verses, chinese)
    assert merges[0].token not in {merge.token for merge in again}


def test_learning_twice_gives_the_same_tokenizer(base, chinese, verses):
    once, again = (
        extend_tokenizer(base, verses, chinese, TokenRequest(300), base.size, Quiet()).tokenizer.spec
        for _ in range(2)
    )
    assert once == again


@pytest.mark.parametrize("wanted", [5, 40, 5000])
def test_a_text_gives_the_tokens_that_were_asked_for_or_as_many_as_it_supports(base, chinese, verses, wanted):
    lines = verses[:60]
    request = TokenRequest(wanted, strict=False)
    found = len(extend_tokenizer(base, lines, chinese, request, base.size, Quiet()).pieces)
    most = len(extend_tokenizer(base, lines, chinese, TokenRequest(None), base.size, Quiet()).pieces)
    assert found == min(wanted, most) and 40 < most < 5000


def test_a_strict_request_names_a_number_that_the_text_supports(base, chinese, verses):
    lines = verses[:60]
    with pytest.raises(TokenizerError, match=r"supports only \d+ new tokens, not 5000") as caught:
        extend_tokenizer(base, lines, chinese, TokenRequest(5000), base.size, Quiet())
    supported = int(re.search(r"only (\d+)", str(caught.value))[1])
    extended = extend_tokenizer(
        base, lines, chinese, TokenRequest(supported, strict=False), base.size, Quiet()
    )
    assert len(extended.pieces) == supported
