"""The loss of hidden states, against whole passes over each document alone, with all hidden states."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_model

from vocabx.training.alignment import Alignment, weight_at
from vocabx.training.methods import Method, target_names, with_adapters
from vocabx.training.model_loss import ModelLoss, base_of, find_abilities
from vocabx.training.packed import IGNORED, Ends, pack
from vocabx.training.schedule import Schedule
from vocabx.training.split_table import split_tables

FIRST, LAYERS, BEGIN, END = 40, 3, 1, 2
PIECES = ((3, 7), (5,), (3, 9, 8), (), (39, 4))
DOCUMENTS = [[40, 6, 42, 8, 41], [10, 11, 44], [13, 42, 43, 16, 40, 18, 19]]


def packed(path, documents=DOCUMENTS, length=20):
    text = pack(documents, Ends(BEGIN, END), length, path / "text")
    found = [text.sequence(number) for number in range(len(text))]
    return [
        torch.from_numpy(np.stack([getattr(one, name) for one in found]))
        for name in ("ids", "positions", "labels")
    ]


def adapted(kind):
    """A model with new rows that train, and adapters that are not zero."""
    layers = "n_layer" if kind in ("gpt2", "bloom") else "num_hidden_layers"
    model = tiny_model(kind, rows=FIRST + len(PIECES), **{layers: LAYERS})
    model.requires_grad_(False)
    targets = target_names(model, tables=False)
    split = split_tables(model, FIRST)
    wrapped = with_adapters(model, Method("lora", "float32", 4, 8.0), targets)
    random = torch.Generator().manual_seed(1)
    for name, one in wrapped.named_parameters():
        if "lora_" in name:
            one.data.copy_(0.3 * torch.randn(one.shape, generator=random))
    return wrapped, split


def states(model, ids):
    return base_of(model)(torch.tensor([ids]), output_hidden_states=True).hidden_states[1][0]


def expected_sum(model, documents=DOCUMENTS, context=10**9):
    """The sum over the documents: each is read alone, in its tokens and, without adapters, in its pieces."""
    total = 0.0
    for document in documents:
        ids = [BEGIN, *document, END]
        old, last = [], []
        for one in ids:
            old += (PIECES[one - FIRST] or (0,)) if one >= FIRST else (one,)
            last.append(len(old) - 1)
        with torch.no_grad(), model.disable_adapter():
            taught = states(model, old).double()
        learned = states(model, ids).double()
        for position, one in enumerate(ids[:-1]):
            if position and (one < FIRST or PIECES[one - FIRST]) and last[position] < context:
                error = learned[position] - taught[last[position]]
                total = total + error.pow(2).sum() / taught[last[position]].pow(2).sum()
    return total


def loss_of(model, weight, context=64):
    alignment = Alignment(PIECES, FIRST, context)
    alignment.weight = weight
    return ModelLoss(model, find_abilities(model), alignment)


def gradients(model):
    return {name: one.grad for name, one in model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma3_text", "gpt2"])
def test_gradients_are_those_of_the_sum_of_both_losses(kind, tmp_path):
    model, _ = adapted(kind)
    batch = packed(tmp_path)
    count = int((batch[2] != IGNORED).sum())
    plain = loss_of(model, 0.0)(*batch)["loss"]
    (plain + 3.0 * expected_sum(model).float() / count).backward()
    expected = gradients(model)
    model.zero_grad()
    found = loss_of(model, 3.0)(*batch)["loss"]
    found.backward()
    # What is read as bits per byte is the loss of the language model alone.
    assert found.item() == pytest.approx(plain.item(), rel=1e-6)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-5)
    assert gradients(model).keys() == expected.keys()


def test_a_step_in_several_batches_has_the_gradients_of_one(tmp_path):
    model, _ = adapted("llama")
    batch = packed(tmp_path, DOCUMENTS * 3, 12)
    count = int((batch[2] != IGNORED).sum())
    assert len(batch[0]) > 2
    found = []
    for parts in ([slice(None)], [slice(n, n + 1) for n in range(len(batch[0]))]):
        for part in parts:
            loss_of(model, 2.0)(*[one[part] for one in batch], num_items_in_batch=count)["loss"].backward()
        found.append({name: one.clone() for name, one in gradients(model).items()})
        model.zero_grad()
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-4, atol=1e-6)


def test_pieces_beyond_the_context_of_the_model_are_not_compared(tmp_path):
    model, split = adapted("gpt2")
    document = [42, 40, 42, 44, 42, 40]
    batch = packed(tmp_path, [document], 8)
    found, expected = [], expected_sum(model, [document], context=9)
    for context in (9, 64):
        (loss_of(model, 1.0, context)(*batch, num_items_in_batch=1)["loss"]).backward()
        found.append(split.parameters["input"].grad.clone())
        model.zero_grad()
    (loss_of(model, 0.0)(*batch, num_items_in_batch=1)["loss"] + expected.float()).backward()
    torch.testing.assert_close(found[0], split.parameters["input"].grad, rtol=1e-3, atol=1e-5)
    assert not torch.allclose(found[0], found[1])


def test_the_model_is_as_it_was_after_the_teacher(tmp_path):
    model, _ = adapted("llama")
    model.train()
    trained = [name for name, one in model.named_parameters() if one.requires_grad]
    loss_of(model, 1.0)(*packed(tmp_path))
    assert model.training and all(module.training for module in model.modules())
    assert [name for name, one in model.named_parameters() if one.requires_grad] == trained
    ids = torch.tensor([[1, 40, 6]])
    with model.disable_adapter():
        without = base_of(model)(ids).logits
    assert not torch.allclose(base_of(model)(ids).logits, without)


def test_the_weight_falls_to_nothing_at_half_of_the_run():
    schedule = Schedule(steps=100, rows_only=0, warmup=10, decay=10)
    assert [weight_at(4.0, step, schedule) for step in (0, 25, 50, 99)] == [4.0, 2.0, 0.0, 0.0]
