"""What is known of a text before learning holds of what is learned."""

from collections import Counter

from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.attainable import attainable
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.units import tokenize_units

WORDS = "дом город книга окно дорога человек время рука слово место".split()
# Each word twice as often as the next, the last one once.
LINES = [" ".join([word] * (1 << (len(WORDS) - 1 - n))) for n, word in enumerate(WORDS)]
CYRILLIC = Alphabet(("Cyrillic",))


def bounds(tokenizer, wanted):
    return attainable(tokenize_units(tokenizer, LINES, CYRILLIC.allows_token), wanted)


def test_no_tokens_bring_a_text_below_its_floor_and_enough_of_them_reach_it(small_tokenizer):
    base = read_tokenizer(small_tokenizer)
    found = bounds(base, 8000)
    assert found.base_tokens == sum(map(len, base.encode(LINES)))
    made = extend_tokenizer(base, LINES, CYRILLIC, TokenRequest(None, strict=False), base.size, Quiet())
    after = sum(map(len, made.tokenizer.encode(LINES)))
    # Words that occur once get no token.
    assert found.least <= after <= 1.1 * found.least
    assert found.tokens >= found.least


def test_words_are_those_that_occur_twice_and_are_no_token(small_tokenizer):
    base = read_tokenizer(small_tokenizer)
    # The first word of a line has no space before it.
    words = Counter(
        word if n == 0 else f" {word}" for line in LINES for n, word in enumerate(line.split(" "))
    )
    repeated = [word for word, count in words.items() if count > 1]
    found = bounds(base, 3)
    assert found.words == len(repeated)
    sizes = {word: len(base.encode([word])[0]) for word in repeated}
    best = sorted((words[word] * (sizes[word] - 1) for word in repeated), reverse=True)[:3]
    assert found.tokens == found.base_tokens - sum(best)


def test_what_is_said_names_the_floor_and_a_text_that_is_too_small(small_tokenizer):
    found = bounds(read_tokenizer(small_tokenizer), 8000)
    said = found.sentence("Russian", spaced=True)
    assert f"below {found.floor:.3f} of the base's tokens" in said
    assert f"supports about so many tokens, and not {found.new_tokens:,}" in said
    assert f"{found.words:,} distinct words" in said
    assert found.sentence("Chinese", spaced=False).endswith("of the base's tokens.")
    assert "not 3" not in bounds(read_tokenizer(small_tokenizer), 3).sentence("Russian", spaced=True)
