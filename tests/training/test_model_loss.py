"""The loss of packed documents, compared with each document alone, under models of several kinds."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_model

from vocabx.training.model_loss import ModelLoss, find_abilities
from vocabx.training.packed import Ends, pack
from vocabx.training.split_table import split_tables

DOCUMENTS = [[5, 6, 7, 8, 9], [10, 11, 12], [13, 14, 15, 16, 17, 18, 19]]


def batch(tmp_path):
    packed = pack(DOCUMENTS, Ends(1, 2), 20, tmp_path / "text")
    found = [packed.sequence(number) for number in range(len(packed))]
    return [
        torch.from_numpy(np.stack([getattr(s, name) for s in found]))
        for name in ("ids", "positions", "labels")
    ]


def alone(model):
    """The sum of the losses that transformers computes for each document."""
    total = 0.0
    for document in DOCUMENTS:
        ids = torch.tensor([[1, *document, 2]])
        total += model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
    return total


@pytest.mark.parametrize(
    "kind", ["llama", "qwen3", "mistral", "gemma2", "cohere", "gpt2", "granite", "olmo2"]
)
def test_packed_documents_have_the_loss_of_each_document_alone(kind, tmp_path):
    model = tiny_model(kind)
    expected = alone(model)
    split_tables(model, 45)
    loss = ModelLoss(model, find_abilities(model))
    assert loss.abilities.isolates
    assert loss(*batch(tmp_path), num_items_in_batch=1)["loss"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "plain"), [("llama", True), ("gemma2", False), ("cohere", False), ("phi", False)]
)
def test_models_that_transform_their_logits_are_detected(kind, plain):
    model = tiny_model(kind)
    split_tables(model, 45)
    assert find_abilities(model).plain == plain


def test_a_model_without_positions_is_detected():
    model = tiny_model("bloom")
    split_tables(model, 45)
    assert not find_abilities(model).isolates


@pytest.mark.parametrize("kind", ["gemma3_text", "llama"])
def test_an_embedding_that_scales_still_does(kind):
    model = tiny_model(kind)
    ids = torch.tensor([[1, 46, 7]])
    expected = model(ids).logits
    split_tables(model, 45)
    assert torch.allclose(model(ids).logits, expected, atol=1e-6)


def test_both_ways_of_computing_the_loss_give_the_same_gradients(tmp_path):
    from dataclasses import replace

    gradients = []
    for plain in (True, False):
        model = tiny_model("llama")
        split = split_tables(model, 45)
        loss = ModelLoss(model, replace(find_abilities(model), plain=plain))
        loss(*batch(tmp_path))["loss"].backward()
        gradients.append(split.parameters["input"].grad)
    assert torch.allclose(*gradients, atol=1e-6)
