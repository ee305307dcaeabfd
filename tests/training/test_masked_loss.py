"""The loss of what is hidden from an encoder, against the loss of transformers in float64."""

import copy

import pytest
import torch
from tiny_models import ENCODERS, tiny_model

from vocabx.training.masked_loss import MaskedLoss, find_abilities
from vocabx.training.packed import IGNORED
from vocabx.training.split_table import split_tables

ROWS, FIRST, LENGTH = 50, 41, 12


def hidden_batch(seed=0):
    random = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, ROWS, (2, LENGTH), generator=random)
    labels = torch.full_like(ids, IGNORED)
    labels[0, [2, 3, 7]], labels[1, [1, 9]] = ids[0, [2, 3, 7]], ids[1, [1, 9]]
    shown = ids.clone()
    shown[labels != IGNORED] = 4
    real = torch.ones_like(ids)
    real[1, 10:] = 0
    return shown, real, labels


def expected(model, shown, real, labels):
    """The sum of -log p of the labels by transformers' own loss, and the gradients of both ends."""
    loss = model(input_ids=shown, attention_mask=real, labels=labels).loss * (labels != IGNORED).sum()
    loss.backward()
    output = model.get_output_embeddings()
    return loss, model.get_input_embeddings().weight.grad, output.weight.grad, output.bias


@pytest.mark.parametrize("kind", [*ENCODERS, "t5"])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_only_hidden_positions_count_and_gradients_reach_the_new_rows_alone(kind, tied):
    ids = {"decoder_start_token_id": 0} if kind == "t5" else {}
    oracle = tiny_model(kind, ROWS, tied, **ids).double()
    model = copy.deepcopy(oracle)
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    batch = hidden_batch()
    loss, of_input, of_output, bias = expected(oracle, *batch)
    model.requires_grad_(False)
    split = split_tables(model, FIRST)
    module = MaskedLoss(model, find_abilities(model))
    assert module.abilities.plain
    found = module(*batch, num_items_in_batch=1)["loss"]
    assert found.item() == pytest.approx(loss.item(), rel=1e-5)
    found.backward()
    trained = {name for name, one in module.named_parameters() if one.grad is not None}
    assert all(name.rpartition(".")[2] in ("new", "new_bias") for name in trained)
    wanted = {"input": of_input, **({} if tied else {"output": of_output})}
    assert split.tied == tied
    for name, gradient in wanted.items():
        torch.testing.assert_close(
            split.parameters[name].grad.double(), gradient[FIRST:], rtol=1e-3, atol=1e-6, msg=name
        )
    assert ("bias" in split.parameters) == (bias is not None)
    if bias is not None:
        torch.testing.assert_close(
            split.parameters["bias"].grad.double(), bias.grad[FIRST:], rtol=1e-3, atol=1e-6
        )


def test_a_model_that_does_more_with_its_logits_is_trained_by_them():
    model = tiny_model("bert", ROWS)
    split_tables(model, FIRST)
    forward = model.cls.forward
    model.cls.forward = lambda states: 2 * forward(states)
    module = MaskedLoss(model, find_abilities(model))
    assert not module.abilities.plain
    shown, real, labels = hidden_batch()
    logits = model(input_ids=shown, attention_mask=real).logits
    wanted = torch.nn.functional.cross_entropy(logits.reshape(-1, ROWS), labels.reshape(-1))
    assert module(shown, real, labels)["loss"].item() == pytest.approx(wanted.item(), rel=1e-6)


def test_padding_changes_nothing():
    model = tiny_model("roberta", ROWS)
    split_tables(model, FIRST)
    module = MaskedLoss(model, find_abilities(model))
    shown, real, labels = hidden_batch()
    other = shown.clone()
    other[real == 0] = 17
    assert torch.equal(module(shown, real, labels)["loss"], module(other, real, labels)["loss"])
