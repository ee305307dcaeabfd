"""The cost of a run from headers alone, compared with the loaded model."""

from dataclasses import replace

import pytest
from tiny_models import tiny_model

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.initializers.composition import PieceMaps
from vocabx.training.methods import Method, prepare
from vocabx.training.model_sizes import memory_parts, operations, sizes_of, trained_parameters

FIRST = 45


@pytest.fixture(params=["llama", "qwen3", "gpt2", "gemma2", "phi", "mixtral"])
def checkpoint(request, tmp_path):
    tiny_model(request.param).save_pretrained(tmp_path)
    return read_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["lora", "rows", "full"])
def test_the_number_of_trained_parameters_is_exact(checkpoint, name):
    method = Method(name, "float32", 4, 8.0)
    model = prepare(checkpoint.directory, method, FIRST, 0, "cpu").model
    counted = trained_parameters(sizes_of(checkpoint), method, checkpoint.input.rows - FIRST)
    found = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    if checkpoint.config["model_type"] == "mixtral" and name == "lora":
        # Its experts are fused in memory and get no adapters, so the estimate is an upper bound.
        assert sum(counted.values()) >= found
    else:
        assert sum(counted.values()) == found


def test_the_number_of_parameters_of_maps_of_pieces_is_exact(checkpoint):
    method = Method("rows", "float32")
    new = checkpoint.input.rows - FIRST
    counted = trained_parameters(sizes_of(checkpoint), method, new, composition=3)["composition"]
    split = prepare(checkpoint.directory, method, FIRST, 0, "cpu").split
    tables = [one.detach() for kind, one in split.parameters.items() if kind != "bias"]
    maps = [PieceMaps([(0,)] * new, one, rank=3, both_ends=True, seed=0) for one in tables]
    assert counted == sum(one.numel() for each in maps for one in each.parameters())


def test_all_parameters_of_a_model_are_counted(checkpoint):
    sizes = sizes_of(checkpoint)
    model = prepare(checkpoint.directory, Method("full", "float32"), FIRST, 0, "cpu").model
    assert sizes.linear + sizes.tables + sizes.others == sum(p.numel() for p in model.parameters())


def test_4_bit_weights_and_gradient_checkpointing_reduce_memory(checkpoint):
    sizes = replace(sizes_of(checkpoint), layers=8)

    def whole(name, checkpointing):
        return memory_parts(sizes, Method(name, "bfloat16", 4, 8.0), {"rows": 80}, 512, checkpointing)

    assert whole("qlora", False)["weights"] < whole("lora", False)["weights"]
    assert whole("lora", False)["weights"] < whole("full", False)["weights"]
    assert whole("lora", True)["activations"] <= whole("lora", False)["activations"]


def test_training_everything_takes_one_and_a_half_times_the_operations(checkpoint):
    sizes = sizes_of(checkpoint)
    frozen = operations(sizes, Method("lora", "bfloat16"), {})
    assert operations(sizes, Method("full", "bfloat16"), {}) == pytest.approx(1.5 * frozen)
