"""The best part of a text, and the model of characters that finds it without anything compiled."""

import json
import math
import random
from collections import Counter

import numpy as np
import pytest

from vocabx.corpus.character_model import ORDER, CharacterModel
from vocabx.corpus.languages import find_language
from vocabx.corpus.several import find_languages, text_of
from vocabx.corpus.source import default_source, user_source
from vocabx.corpus.subset import lowest, subset_source

ENGLISH = find_language("en")
WORDS = (
    "the river runs past an old mill where we used to read about cities and their long quiet streets".split()
)


def prose(seed, words=80):
    drawn = random.Random(seed)
    return " ".join(drawn.choice(WORDS) for _ in range(words))


def noise(seed):
    drawn = random.Random(seed)
    return "".join(chr(drawn.randrange(97, 123)) for _ in range(400))


def plain_perplexity(learned, text):
    """The same model, one character at a time, with dictionaries."""
    padded = ["\n" * (ORDER - 1) + one for one in learned]
    ngrams = [Counter() for _ in range(ORDER + 1)]
    after: list[dict[str, set[str]]] = [{} for _ in range(ORDER + 1)]
    for one in padded:
        for at in range(ORDER - 1, len(one)):
            for size in range(1, ORDER + 1):
                gram = one[at - size + 1 : at + 1]
                ngrams[size][gram] += 1
                after[size].setdefault(gram[:-1], set()).add(gram[-1])
    characters = len({one for text in learned for one in text}) + 1
    total, whole = 0.0, "\n" * (ORDER - 1) + text
    for at in range(ORDER - 1, len(whole)):
        likely = 1 / characters
        for size in range(1, ORDER + 1):
            gram = whole[at - size + 1 : at + 1]
            types = len(after[size].get(gram[:-1], ()))
            seen = sum(ngrams[size][gram[:-1] + one] for one in after[size].get(gram[:-1], ()))
            if seen + types:
                likely = (ngrams[size][gram] + types * likely) / (seen + types)
        total += math.log(likely)
    return math.exp(-total / max(1, len(text)))


def test_perplexities_are_those_of_the_same_model_with_dictionaries():
    learned = [prose(seed, 30) for seed in range(4)] + ["早上我們喝茶", ""]
    texts = [prose(9, 12), noise(1)[:60], "早上我喝", "", "x"]
    expected = [plain_perplexity(learned, text) for text in texts]
    assert CharacterModel(learned).of(texts) == pytest.approx(expected, rel=1e-9)


def test_the_probabilities_of_all_characters_add_up_to_one():
    model = CharacterModel([prose(seed) for seed in range(3)])
    known = sorted({one for seed in range(3) for one in prose(seed)})
    after = "the riv"
    values = [len(after) * math.log(model.of([after])[0])] * (len(known) + 1)
    whole = [(len(after) + 1) * math.log(model.of([after + one])[0]) for one in [*known, "語"]]
    assert sum(math.exp(before - both) for before, both in zip(values, whole, strict=True)) == pytest.approx(
        1
    )


def test_a_model_of_nothing_finds_all_texts_equally_likely():
    assert CharacterModel([]).of(["abc", ""]) == [1.0, 1.0]


def write(tmp_path, texts, name="a.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


@pytest.fixture
def mixed(tmp_path):
    """Forty pieces of prose, and between them twenty of noise."""
    texts = [noise(n) if n % 3 == 1 else prose(n) for n in range(60)]
    return texts, user_source([str(write(tmp_path, texts))], "text", "")


def test_what_is_typical_of_the_text_is_chosen_and_stays_in_its_order(mixed):
    texts, source = mixed
    good = [text for n, text in enumerate(texts) if n % 3 != 1]
    chosen = subset_source(source, ENGLISH, sum(map(len, good)), 10**9)
    assert [document.text for document in chosen.open()] == good
    assert [document.text for document in chosen.open()] == good
    assert "lowest perplexity" in chosen.description


def test_the_subset_is_as_large_as_asked_to_within_a_document(mixed):
    texts, source = mixed
    found = [document.text for document in subset_source(source, ENGLISH, 5000, 10**9).open()]
    assert 5000 <= sum(map(len, found)) < 5000 + max(map(len, texts))
    everything = subset_source(source, ENGLISH, 10**9, 10**9)
    assert [document.text for document in everything.open()] == texts


def test_only_the_beginning_is_chosen_from(mixed):
    texts, source = mixed
    found = {document.text for document in subset_source(source, ENGLISH, 10**9, 6000).open()}
    assert found == set(texts[: len(found)]) and len(found) < 20


def test_the_order_of_the_documents_does_not_decide(tmp_path):
    texts = [prose(n) for n in range(40)]
    shuffled = random.Random(0).sample(texts, len(texts))
    found = [
        {
            document.text
            for document in subset_source(
                user_source([str(write(tmp_path, order, f"{number}.jsonl"))], "text", ""),
                ENGLISH,
                6000,
                10**9,
            ).open()
        }
        for number, order in enumerate((texts, shuffled))
    ]
    assert found[0] == found[1]


def test_each_of_several_languages_has_its_part(tmp_path):
    paths = [write(tmp_path, [prose(n + seed) for n in range(40)], f"{seed}.jsonl") for seed in (0, 100)]
    both = find_languages("de,fr")
    source = text_of(both, (f"de={paths[0]}", f"fr={paths[1]}"), "text", "", default_source, apart=False)
    found = [document.text for document in subset_source(source, both, 8000, 10**9).open()]
    german = {prose(n) for n in range(40)}
    sizes = [sum(len(text) for text in found if (text in german) == side) for side in (True, False)]
    assert all(4000 <= size < 5000 for size in sizes)


def test_of_equal_values_the_first_are_taken():
    assert lowest(np.array([2.0, 1.0, 1.0, 3.0]), np.array([5, 5, 5, 5]), 6).tolist() == [1, 2]
    assert lowest(np.zeros(0), np.zeros(0, dtype=np.int64), 6).tolist() == []
