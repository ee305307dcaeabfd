"""Split embeddings and their loss, compared with torch's own layers over the whole matrix in float64."""

import copy

import pytest
import torch
from transformers import AutoModelForCausalLM

from vocabx.training.packed import IGNORED
from vocabx.training.split_loss import BLOCK, split_loss
from vocabx.training.split_table import SplitEmbedding, SplitOutput, split_tables

FIRST = 560


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def model(request, small_model):
    return AutoModelForCausalLM.from_pretrained(small_model(tied=request.param, dtype="float32"))


def ids(low=0, high=600, size=40):
    return torch.randint(low, high, (2, size), generator=torch.Generator().manual_seed(0))


def test_a_split_model_gives_the_logits_of_the_whole_one(model):
    batch = ids()
    with torch.no_grad():
        expected = model(batch).logits
        split_tables(model, FIRST)
        found = model(batch).logits
    assert torch.allclose(found, expected, atol=1e-6)


def test_gradients_of_new_rows_are_those_of_the_whole_matrix(model):
    whole = copy.deepcopy(model).double()
    batch = ids()
    whole(batch, labels=batch).loss.backward()
    split = split_tables(model, FIRST)
    model(batch, labels=batch).loss.backward()
    expected = whole.get_input_embeddings().weight.grad[FIRST:]
    assert torch.allclose(split.parameters["input"].grad.double(), expected, atol=1e-7)
    if not split.tied:
        expected = whole.get_output_embeddings().weight.grad[FIRST:]
        assert torch.allclose(split.parameters["output"].grad.double(), expected, atol=1e-7)


def test_old_rows_are_neither_copied_nor_trained(model):
    places = {
        model.get_input_embeddings().weight.data_ptr(),
        model.get_output_embeddings().weight.data_ptr(),
    }
    split = split_tables(model, FIRST)
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    assert {embedding.old.data_ptr(), output.old.data_ptr()} == places
    tables = {id(p) for p in model.parameters() if p.shape[-1:] == (16,) and p.dim() == 2 and len(p) == 40}
    assert tables == {id(p) for p in split.parameters.values()}
    assert not any(len(p) == 600 for p in model.parameters())


def test_tied_embeddings_share_their_new_rows(small_model):
    model = AutoModelForCausalLM.from_pretrained(small_model(tied=True, dtype="float32"))
    split_tables(model, FIRST)
    assert model.get_input_embeddings().new is model.get_output_embeddings().new


def test_new_rows_train_in_float32_and_embeddings_have_the_dtype_of_the_model(small_model):
    model = AutoModelForCausalLM.from_pretrained(small_model(dtype="bfloat16"))
    split = split_tables(model, FIRST)
    assert split.parameters["input"].dtype == torch.float32
    assert model(ids()).logits.dtype == torch.bfloat16


def test_a_bias_is_split_too():
    torch.manual_seed(0)
    table, bias, hidden = torch.randn(10, 4), torch.randn(10), torch.randn(3, 4)
    head = SplitOutput(
        table[:6], torch.nn.Parameter(table[6:]), bias[:6], torch.nn.Parameter(bias[6:].clone())
    )
    assert torch.allclose(head(hidden), hidden @ table.T + bias, atol=1e-6)
    head(hidden)[:, 6:].sum().backward()
    assert torch.allclose(head.new_bias.grad, torch.full((4,), 3.0))


def test_a_model_without_old_rows_trains_all_of_them():
    table = torch.randn(5, 4)
    embedding = SplitEmbedding(table[:0], torch.nn.Parameter(table.clone()))
    assert torch.equal(embedding(torch.tensor([0, 4])), table[[0, 4]])


@pytest.mark.parametrize("positions", [1, 700, BLOCK * 2 + 3])
def test_the_loss_and_its_gradients_are_those_of_float64(positions):
    torch.manual_seed(positions)
    hidden = torch.randn(positions, 8, requires_grad=True)
    table = torch.randn(30, 8)
    labels = torch.randint(0, 30, (positions,))
    labels[::7] = IGNORED
    new = torch.nn.Parameter(table[20:].clone())
    loss = split_loss(hidden, labels, table[:20], new) / 3
    loss.backward()
    exact_hidden = hidden.detach().double().requires_grad_(True)
    exact = table.double().requires_grad_(True)
    expected = torch.nn.functional.cross_entropy(
        exact_hidden @ exact.T, labels, ignore_index=IGNORED, reduction="sum"
    )
    (expected / 3).backward()
    assert torch.allclose(loss.double(), expected / 3, rtol=1e-6)
    assert torch.allclose(hidden.grad.double(), exact_hidden.grad, atol=1e-5)
    assert torch.allclose(new.grad.double(), exact.grad[20:], atol=1e-4)


def test_the_loss_without_labels_is_zero_with_zero_gradients():
    hidden, new = torch.randn(4, 8, requires_grad=True), torch.nn.Parameter(torch.randn(3, 8))
    loss = split_loss(hidden, torch.full((4,), IGNORED), torch.randn(5, 8), new)
    loss.backward()
    assert loss.item() == 0
    assert not hidden.grad.any()
    assert not new.grad.any()


def test_the_loss_of_a_bfloat16_model_is_computed_in_bfloat16():
    torch.manual_seed(0)
    hidden = torch.randn(300, 16, dtype=torch.bfloat16, requires_grad=True)
    table, labels = torch.randn(50, 16), torch.randint(0, 50, (300,))
    new = torch.nn.Parameter(table[40:].clone())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = split_loss(hidden, labels, table[:40].bfloat16(), new)
    loss.backward()
    exact = torch.nn.functional.cross_entropy(
        hidden.detach().double() @ table.double().T, labels, reduction="sum"
    )
    assert abs(loss.item() / exact.item() - 1) < 2e-3
    assert hidden.grad.dtype == torch.bfloat16
    assert new.grad.dtype == torch.float32
