"""Language Ranker and MEXA against slow definitions in float64."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from vocabx.corpus.sentence_pairs import SentencePairs
from vocabx.evaluation.sentence_alignment import (
    cosines,
    matched,
    measure_alignment,
    own_cosine,
    ranked_layers,
)
from vocabx.tokenizer.read_tokenizer import read_tokenizer


@pytest.fixture
def model(tiny_model):
    directory = tiny_model(dtype="float32")
    return directory, read_tokenizer(directory)


@pytest.fixture
def pairs(english):
    sentences = [line for line in english if 30 < len(line) < 90][:24]
    return SentencePairs(tuple(sentences[:12]), tuple(sentences[12:24]), "a test")


def plain_states(directory, tokenizer, text):
    """The states of a sentence's tokens from a model in float64: a list by layer."""
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float64).eval()
    (ids,) = tokenizer.encode([text])
    with torch.no_grad():
        found = model(torch.tensor([[model.config.bos_token_id, *ids]]), output_hidden_states=True)
    return [layer[0, 1:].numpy() for layer in found.hidden_states]


def plain_cosine(a, b):
    return float(sum(x * y for x, y in zip(a, b, strict=True)) / (sum(a * a) ** 0.5 * sum(b * b) ** 0.5))


def plain_mean(states):
    total = sum((n + 1) * states[n] for n in range(len(states)))
    return total / sum(range(1, len(states) + 1))


def plain_matched(rows):
    """The share of i with rows[i][i] > rows[i][j] and rows[i][i] > rows[j][i] for all other j."""
    n = len(rows)
    kept = 0
    for i in range(n):
        kept += all(rows[i][i] > rows[i][j] and rows[i][i] > rows[j][i] for j in range(n) if j != i)
    return kept / n


def test_both_measures_follow_their_definitions(model, pairs):
    directory, tokenizer = model
    read = []
    loaded = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    found = measure_alignment(loaded, tokenizer, pairs, 0, read.append)
    first, second = (
        [plain_states(directory, tokenizer, text) for text in texts]
        for texts in (pairs.target, pairs.base_language)
    )
    assert sum(read) == 24
    assert len(found.ranker) == len(found.mexa) == 3
    for layer in range(3):
        own = [plain_cosine(a[layer][-1], b[layer][-1]) for a, b in zip(first, second, strict=True)]
        assert found.ranker[layer] == pytest.approx(np.mean(own), abs=1e-5)
        means = [[plain_mean(states[layer]) for states in side] for side in (first, second)]
        rows = [[plain_cosine(a, b) for b in means[1]] for a in means[0]]
        assert found.mexa[layer] == plain_matched(rows)


def test_shuffled_pairs_are_of_sentences_that_are_no_translations(model, pairs):
    directory, tokenizer = model
    loaded = AutoModelForCausalLM.from_pretrained(directory)
    same = SentencePairs(pairs.target, pairs.target, "a test")
    found = measure_alignment(loaded, tokenizer, same, 0)
    assert found.ranker == pytest.approx([1] * 3) and found.mexa == (1, 1, 1)
    # No sentence beside itself: another is never the most similar one.
    assert found.mexa_shuffled == (0, 0, 0) and max(found.ranker_shuffled) < 0.999
    assert found == measure_alignment(loaded, tokenizer, same, 0)
    assert found.ranker_shuffled != measure_alignment(loaded, tokenizer, same, 1).ranker_shuffled


def test_shuffled_cosines_are_those_of_all_other_sentences_on_average(model, pairs):
    directory, tokenizer = model
    found = measure_alignment(AutoModelForCausalLM.from_pretrained(directory), tokenizer, pairs, 0)
    ends = [
        [plain_states(directory, tokenizer, text)[2][-1] for text in texts]
        for texts in (pairs.target, pairs.base_language)
    ]
    others = [plain_cosine(a, b) for i, a in enumerate(ends[0]) for j, b in enumerate(ends[1]) if i != j]
    spread = np.std(others) / (12 * 20) ** 0.5
    assert found.ranker_shuffled[2] == pytest.approx(np.mean(others), abs=5 * spread)


def test_a_model_in_bfloat16_is_measured_in_its_dtype(model, pairs):
    directory, tokenizer = model
    whole, half = (
        measure_alignment(AutoModelForCausalLM.from_pretrained(directory, dtype=kind), tokenizer, pairs, 0)
        for kind in (torch.float32, torch.bfloat16)
    )
    assert half.ranker == pytest.approx(whole.ranker, abs=0.02)


@pytest.mark.parametrize(
    ("layers", "ranked"),
    [
        (32, (5, 10, 15, 20, 25)),
        (30, (5, 9, 14, 19, 23)),
        (6, (1, 2, 3, 4, 5)),
        (2, (1, 2)),
        (80, (12, 25, 38, 50, 62)),
    ],
)
def test_the_ranked_layers_are_the_same_fractions_of_every_depth(layers, ranked):
    assert ranked_layers(layers) == ranked


def test_a_tie_is_no_match():
    matrix = np.array([[0.9, 0.9, 0.1], [0.2, 0.8, 0.1], [0.0, 0.0, 0.5]])
    # The first ties in its row; the second is below the first in its column.
    assert matched(matrix) == pytest.approx(1 / 3) == plain_matched(matrix)
    assert own_cosine(matrix) == pytest.approx(2.2 / 3)


def test_a_state_of_zeros_is_like_no_other():
    found = cosines(np.zeros((1, 4), np.float32), np.ones((2, 4), np.float32))
    assert found.tolist() == [[0, 0]]


def test_the_summary_averages_over_the_ranked_layers_and_over_all(model, pairs):
    directory, tokenizer = model
    found = measure_alignment(AutoModelForCausalLM.from_pretrained(directory), tokenizer, pairs, 0)
    summary = found.summary()
    assert summary["language_ranker"] == pytest.approx(np.mean(found.ranker[1:]))
    assert summary["mexa_mean"] == pytest.approx(np.mean(found.mexa))
    assert summary["mexa_max"] == max(found.mexa)
    assert summary["mexa_max_shuffled"] == max(found.mexa_shuffled)
