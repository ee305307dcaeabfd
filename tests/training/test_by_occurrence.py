import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.by_occurrence import LEAST, Trained, by_occurrence, count_labels


class Model:
    """A model whose probability of an id depends on nothing."""

    def __init__(self, logits):
        self.logits, self.device, self.config = logits, "cpu", SimpleNamespace(bos_token_id=0, eos_token_id=0)

    def eval(self):
        return self

    def __call__(self, row):
        return SimpleNamespace(logits=self.logits.expand(1, row.shape[1], -1))


class Tokenizer:
    """One id per character: "a" is old, the others are new; "é" has two bytes."""

    byte_lengths = FastTokenizer.byte_lengths

    def __init__(self):
        self.token_bytes = {1: b"a", 2: b"b", 3: b"c", 4: "é".encode(), 5: b"never"}

    def encode(self, texts):
        return [[" abcé".index(c) for c in text] for text in texts]


def test_new_tokens_are_scored_in_the_group_of_their_occurrences():
    logits = torch.tensor([[0.0, 1.0, 2.0, 3.0, -1.0, 0.5]])
    trained = Trained(np.array([9, 100, 0, 5, 64, 3]), first=2)
    groups = by_occurrence(Model(logits), Tokenizer(), ["abé", "bcé"], trained)
    bits = (-torch.log_softmax(logits[0].double(), 0) / math.log(2)).tolist()
    assert [group.least for group in groups] == list(LEAST)
    assert [group.tokens for group in groups] == [1, 1, 1, 0, 1]
    assert [group.heldout for group in groups] == [2, 0, 1, 0, 2]
    found = [group.bits_per_byte for group in groups]
    assert found[0] == pytest.approx(bits[2], abs=1e-4) and found[1] is None
    assert found[2] == pytest.approx(bits[3], abs=1e-4)
    assert found[4] == pytest.approx(bits[4] / 2, abs=1e-4), "per byte, of which é has two"


def test_a_base_without_new_tokens_has_no_groups():
    assert by_occurrence(Model(torch.zeros(1, 6)), Tokenizer(), ["a"], Trained(np.zeros(6, int), 6)) == ()


def test_labels_are_counted_over_all_blocks():
    assert count_labels([np.array([1, 1, 3]), np.array([3])], 5).tolist() == [0, 2, 0, 2, 0]
