"""What each method trains, and a pitfall of 4-bit weights on a CPU."""

import pytest
import torch

from vocabx.training.methods import Method, prepare
from vocabx.training.model_loss import ModelLoss, find_abilities

FIRST = 600


def loss_of(directory, method):
    prepared = prepare(directory, method, FIRST, 0, "cpu")
    return prepared, ModelLoss(prepared.model, find_abilities(prepared.model))


def batch():
    ids = torch.randint(0, 630, (2, 16), generator=torch.Generator().manual_seed(0))
    return ids, torch.arange(16).repeat(2, 1), ids.roll(-1, 1)


def first_layer_gradient(loss):
    loss(*batch())["loss"].backward()
    gradients = [p.grad for name, p in loss.named_parameters() if "layers.0." in name and "lora_B" in name]
    assert gradients
    norm = sum(float(gradient.norm()) for gradient in gradients)
    loss.zero_grad()
    return norm


@pytest.mark.parametrize("name", ["qlora", "lora", "rows", "full"])
def test_only_the_parameters_of_the_method_train(name, small_extended):
    prepared, loss = loss_of(small_extended(), Method(name, "float32", 4, 8.0))
    trained = {n for n, p in loss.named_parameters() if p.requires_grad}
    if name == "full":
        assert trained == {n for n, _ in loss.named_parameters()}
        return
    adapters = {n for n in trained if "lora_" in n}
    assert bool(adapters) == (name != "rows")
    assert len(trained - adapters) == 1
    # Seven linear layers in each of two blocks, with two factors each.
    assert len(adapters) in (0, 28)
    assert prepared.split.first == FIRST


def test_scoring_during_training_keeps_the_gradients_with_4_bit_weights(small_extended):
    _, loss = loss_of(small_extended(), Method("qlora", "bfloat16", 4, 8.0))
    loss.train()
    before = first_layer_gradient(loss)
    loss.eval()
    with torch.no_grad():
        loss(*batch())
    loss.train()
    after = first_layer_gradient(loss)
    assert before > 0
    assert after == pytest.approx(before, rel=0.02)


def test_linear_layers_are_quantized_to_4_bits_and_embeddings_are_not(small_extended):
    prepared, _ = loss_of(small_extended(), Method("qlora", "bfloat16", 4, 8.0))
    kinds = {type(module).__name__ for module in prepared.model.modules()}
    assert "Linear4bit" in kinds
    assert prepared.split.parameters["input"].dtype == torch.float32
    assert prepared.model.get_base_model().get_input_embeddings().old.dtype == torch.bfloat16


def test_the_same_seed_gives_the_same_adapters(small_extended):
    values = []
    for seed in (0, 0, 1):
        prepared = prepare(small_extended(), Method("lora", "float32", 4, 8.0), FIRST, seed, "cpu")
        values.append(next(p.detach() for n, p in prepared.model.named_parameters() if "lora_A" in n))
    assert torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])


def test_weights_that_could_not_be_merged_are_refused_before_training(tmp_path):
    from types import SimpleNamespace

    from tiny_models import tiny_model

    from vocabx.checkpoint.read_checkpoint import read_checkpoint
    from vocabx.commands.train.loop import check_targets
    from vocabx.errors import BaseModelError

    def check(kind, name):
        directory = tmp_path / kind
        tiny_model(kind).save_pretrained(directory)
        method = Method(name, "float32", 4, 8.0)
        plan = SimpleNamespace(
            method=method,
            checkpoint=read_checkpoint(directory),
            options=SimpleNamespace(directory=directory),
        )
        check_targets(plan, prepare(directory, method, 45, 0, "cpu"))

    check("llama", "full")
    check("gpt_neox", "full")
    check("mixtral", "lora")
    with pytest.raises(BaseModelError, match="so it could not be merged after training"):
        check("mixtral", "full")
