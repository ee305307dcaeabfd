from pathlib import Path

import pytest
import torch
from architectures_models import small_model
from safetensors.torch import load_file, save_file
from tiny_models import DECODERS, tiny_model

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.training.methods import target_names
from vocabx.training.stored import stored_tensor, stored_weight

SPLIT_BY_EXPERT = "model.layers.0.mlp.experts.gate_up_proj"


def saved(directory: Path, kind: str, **settings: object):
    model = tiny_model(kind)
    model.save_pretrained(directory, **settings)
    return model, read_checkpoint(directory)


@pytest.mark.parametrize("kind", DECODERS)
def test_the_weights_under_adapters_are_found_in_models_of_every_type(kind: str, tmp_path: Path):
    model, checkpoint = saved(tmp_path, kind)
    targets = target_names(model, tables=False)
    assert targets
    for module in targets:
        found = stored_weight(checkpoint, module)
        assert found is not None, module
        file, name = found
        stored = torch.from_numpy(file.map(name).copy())
        assert torch.equal(stored, model.get_submodule(module).weight.detach()), module


def test_weights_are_found_in_every_shard(tmp_path: Path):
    model, checkpoint = saved(tmp_path, "llama", max_shard_size="3KB")
    assert len(checkpoint.files) > 1
    for module in target_names(model, tables=False):
        assert stored_weight(checkpoint, module) is not None


@pytest.mark.parametrize(
    ("kind", "prefix"), [("llama", "model."), ("gpt2", "transformer."), ("bloom", "transformer.")]
)
def test_names_without_the_prefix_of_the_headed_class_are_found(kind: str, prefix: str, tmp_path: Path):
    model, _ = saved(tmp_path, kind)
    path = tmp_path / "model.safetensors"
    tensors = {name.removeprefix(prefix): tensor for name, tensor in load_file(path).items()}
    save_file(tensors, path, {"format": "pt"})
    checkpoint = read_checkpoint(tmp_path)
    for module in target_names(model, tables=False):
        found = stored_weight(checkpoint, module)
        assert found is not None
        assert found[1] == f"{module}.weight".removeprefix(prefix)


def test_a_parameter_that_is_stored_in_parts_is_not_found(tmp_path: Path):
    model, checkpoint = saved(tmp_path, "qwen3_moe")
    assert SPLIT_BY_EXPERT in dict(model.named_parameters())
    assert stored_tensor(checkpoint, SPLIT_BY_EXPERT) is None


# Types whose tensors are stored under other names than those of the loaded model, none of them in the table.
RENAMED = {
    "emu3": "Emu3ForConditionalGeneration",
    "fuyu": "FuyuForCausalLM",
    "inkling2_text": "Inkling2ForCausalLM",
}


@pytest.mark.parametrize("kind", RENAMED)
def test_tensors_that_loading_renames_are_found_and_hold_their_parameters(kind: str, tmp_path: Path):
    model = small_model(kind, RENAMED[kind])
    model.save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    renamed = 0
    for name, parameter in model.named_parameters():
        found = stored_tensor(checkpoint, name)
        if found is not None:
            file, stored = found
            renamed += stored != name
            assert torch.equal(torch.from_numpy(file.map(stored).copy()), parameter.detach()), name
    assert renamed > 4
    for module in target_names(model, tables=False):
        assert stored_weight(checkpoint, module) is not None, module


def test_an_unknown_module_is_not_found(tmp_path: Path):
    _, checkpoint = saved(tmp_path, "llama")
    assert stored_weight(checkpoint, "model.layers.7.self_attn.q_proj") is None
