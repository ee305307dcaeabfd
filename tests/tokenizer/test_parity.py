"""In which order several languages get their tokens, against slow and obvious rules."""

import bz2
import random

import pytest

from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.candidates import LearningTexts
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.parity import LanguageMerges, by_parity, by_shares, information_of
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sources import by_source, in_several

HINDI = "सुबह हम बगीचे में चाय पीते हैं और शहर के बारे में एक पुरानी किताब पढ़ते हैं".split()
TAMIL = "காலையில் நாங்கள் தோட்டத்தில் தேநீர் குடித்து நகரத்தைப் பற்றிய பழைய புத்தகம் படிக்கிறோம்".split()
BOTH = Alphabet(("Devanagari", "Tamil"))


def merges(prefix: str, counts) -> list[Merge]:
    return [Merge(prefix.encode(), str(n).encode(), count) for n, count in enumerate(counts)]


def random_languages(seed: int) -> list[LanguageMerges]:
    draw = random.Random(seed)
    found = []
    for name in "abc":
        counts = sorted((draw.randint(2, 400) for _ in range(draw.randint(5, 60))), reverse=True)
        above = sum(counts)
        least = draw.choice([0, draw.randint(10, 500)])
        found.append(LanguageMerges(merges(name, counts), above + least, least, draw.uniform(100, 3000)))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_each_token_goes_to_the_language_that_is_served_worst(seed):
    languages = random_languages(seed)
    lengths = [one.tokens for one in languages]
    left = [list(one.merges) for one in languages]
    for merge in by_parity(languages).merges:
        open_ = [n for n in range(3) if left[n]]
        needy = [
            n for n in open_
            if not languages[n].least
            or lengths[n] - languages[n].least > 0.02 * (languages[n].tokens - languages[n].least)
        ]  # fmt: skip
        worst = max(needy or open_, key=lambda n: lengths[n] / languages[n].information)
        assert merge == left[worst].pop(0)
        lengths[worst] -= merge.count
    assert not any(left)


def test_a_merge_that_two_languages_have_counts_for_both_and_is_taken_once():
    shared = [Merge(b"s", b"t", 50)]
    languages = [
        LanguageMerges([*shared, *merges("a", [40, 30])], 1000, 0, 10.0),
        LanguageMerges([*merges("b", [60]), *shared, *merges("c", [5])], 990, 0, 10.0),
    ]
    found = by_parity(languages)
    assert found.merges[0] == Merge(b"s", b"t", 100)
    assert found.owners[b"st"] == 0
    # At 950 and 990, the second takes its own first, and then needs not take the shared one again.
    assert found.merges[1].count == 60
    assert sorted(merge.count for merge in found.merges) == [5, 30, 40, 60, 100]


def test_every_beginning_has_the_shares_that_were_given():
    languages = [LanguageMerges(merges(name, range(200, 0, -1)), 0, 0, 1.0) for name in "abc"]
    owners = [merge.left for merge in by_shares(languages, (0.5, 0.3, 0.2)).merges]
    for size in (10, 50, 100, 300):
        counts = [owners[:size].count(name) for name in (b"a", b"b", b"c")]
        assert counts == pytest.approx([0.5 * size, 0.3 * size, 0.2 * size], abs=1)
    assert len(owners) == 600


def test_information_is_the_size_after_bzip2_of_equally_long_beginnings():
    long, short = ["abcdefgh" * 50] * 40, ["ijklmnop" * 5] * 10
    found = information_of([long, short])
    size = len("\n".join(short).encode())
    for lines, information in zip((long, short), found, strict=True):
        data = "\n".join(lines).encode()
        assert information == pytest.approx(len(data) * len(bz2.compress(data[:size])) / size)


def sentences(words, count, seed):
    draw = random.Random(seed)
    return [" ".join(draw.choices(words, k=8)) for _ in range(count)]


@pytest.fixture(scope="module")
def small(small_tokenizer):
    return read_tokenizer(small_tokenizer)


@pytest.mark.parametrize(("shares", "wanted"), [((0.25, 0.75), (10, 30)), ((0.5, 0.5), (20, 20))])
def test_the_tokens_are_divided_by_shares(small, shares, wanted):
    hindi, tamil = sentences(HINDI, 80, 0), sentences(TAMIL, 80, 1)
    texts = LearningTexts([[hindi], [tamil]], shares=shares)
    request = TokenRequest(40, strict=False, texts=texts)
    made = extend_tokenizer(small, [*hindi, *tamil], BOTH, request, small.size, Quiet())
    own = [sum(Alphabet((script,)).allows_token(token) for token in made.pieces) for script in BOTH.scripts]
    # The bytes that both scripts begin with may be a token of either.
    assert own == pytest.approx(wanted, abs=1)


def test_what_one_language_cannot_use_of_its_share_goes_to_the_others(small):
    hindi, tamil = sentences(HINDI[:1], 80, 0), sentences(TAMIL, 80, 1)
    texts = LearningTexts([[hindi], [tamil]], shares=(0.9, 0.1))
    made = extend_tokenizer(
        small, [*hindi, *tamil], BOTH, TokenRequest(40, strict=False, texts=texts), small.size, Quiet()
    )
    assert len(made.pieces) == 40


def test_parity_leaves_the_languages_nearer_to_each_other_than_no_balance(small):
    # Much text in one language, little in the other.
    hindi, tamil = sentences(HINDI, 400, 0), sentences(TAMIL, 40, 1)
    spread = {}
    for balance in ("none", "parity"):
        request = TokenRequest(30, strict=False, texts=LearningTexts([[hindi], [tamil]], balance))
        made = extend_tokenizer(small, [*hindi, *tamil], BOTH, request, small.size, Quiet())
        information = information_of([hindi, tamil])
        costs = [
            sum(map(len, made.tokenizer.encode(lines))) / size
            for lines, size in zip((hindi, tamil), information, strict=True)
        ]
        spread[balance] = max(costs) / min(costs)
    assert spread["parity"] < spread["none"]


def test_a_token_of_one_source_alone_is_not_learned(small):
    # A word without vowel signs, at which the pre-tokenizer would split it.
    name = " अजगर"
    own = [line + name for line in sentences(HINDI, 60, 0)]
    other = sentences(HINDI, 60, 1)
    lines, sources = [*own, *other], ["a"] * 60 + ["b"] * 60
    alphabet = Alphabet(("Devanagari",))
    learned = {}
    for several in (False, True):
        parted = by_source(lines, sources) if several else (tuple(lines),)
        request = TokenRequest(60, strict=False, texts=LearningTexts([parted]))
        made = extend_tokenizer(small, lines, alphabet, request, small.size, Quiet())
        learned[several] = {token.decode("utf-8", "replace") for token in made.pieces}
        for token in made.pieces:
            places = {where for line, where in zip(lines, sources, strict=True) if token in line.encode()}
            assert not several or places == {"a", "b"}
    assert name in learned[False]
    assert name not in learned[True]


def test_what_is_kept_of_several_sources_lacks_no_part(small):
    from vocabx.tokenizer.learn import learn_merges
    from vocabx.tokenizer.units import tokenize_units

    alphabet = Alphabet(("Devanagari",))
    sources = [sentences(HINDI[:10], 60, 0), sentences(HINDI[5:], 60, 1)]
    lines = [line for source in sources for line in source]
    found = learn_merges(
        small, tokenize_units(small, lines, alphabet.allows_token), 500, alphabet.allows_token
    )
    kept = in_several(small, found, [sources])
    assert 0 < len(kept) < len(found)
    known = {b"", *small.token_bytes.values()}
    for merge in kept:
        assert {merge.left, merge.right} <= known
        known.add(merge.token)
    assert in_several(small, found, [[lines]]) == found


def test_small_sources_count_together_or_not_at_all():
    lines = ["x" * 100] * 100
    names = ["large"] * 90 + [f"small{n}" for n in range(10)]
    assert [len(source) for source in by_source(lines, names)] == [90, 10]
    assert [len(source) for source in by_source(lines, ["large"] * 97 + ["small"] * 3)] == [97]
    assert 10 < len(by_source(lines * 2, [f"file{n:03}" for n in range(200)])) <= 17
