"""Models of types that only their class tells about: the doctor examines and repairs all settings."""

import json

import pytest
from architectures_models import VOCABULARY, small_model
from safetensors.torch import load_file, save_file

from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.size_settings import setting_at
from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair

# Where each states its vocabulary size.
TYPES = {
    "biogpt": ("BioGptForCausalLM", ("vocab_size",)),
    "emu3": ("Emu3ForConditionalGeneration", ("text_config.vocab_size",)),
    "gemma3n_text": ("Gemma3nForCausalLM", ("vocab_size",)),
    "xlm": ("XLMWithLMHeadModel", ("vocab_size", "n_words")),
}


def edit(directory, change) -> None:
    path = directory / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


@pytest.mark.parametrize("kind", TYPES)
def test_a_sound_model_has_no_findings(kind, tmp_path, names):
    small_model(kind, TYPES[kind][0]).save_pretrained(tmp_path)
    assert names(examine(tmp_path)) == {}


@pytest.mark.parametrize("kind", TYPES)
def test_a_wrong_size_is_found_and_repaired_wherever_the_type_states_it(kind, tmp_path, names):
    made, paths = TYPES[kind]
    base = tmp_path / "base"
    small_model(kind, made).save_pretrained(base)

    def shorten(config):
        for path in paths:
            *parents, last = path.split(".")
            part = config
            for parent in parents:
                part = part[parent]
            part[last] = VOCABULARY - 9

    edit(base, shorten)
    found = examine(base)
    assert set(names(found)) == {"vocab-size"}
    assert paths[0] in found.findings[0].sentence
    repair(found, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert [setting_at(config, path) for path in paths if setting_at(config, path)]
    assert all(setting_at(config, path) in (VOCABULARY, None) for path in paths)
    assert read_checkpoint(tmp_path / "out").input.rows == VOCABULARY
    assert names(examine(tmp_path / "out")) == {}


def test_a_tie_that_training_lost_is_found_and_repaired(tmp_path, names):
    base = tmp_path / "base"
    small_model("biogpt", "BioGptForCausalLM").save_pretrained(base)
    path = base / "model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "output_projection.weight": tensors["biogpt.embed_tokens.weight"] + 1}, path)
    found = examine(base)
    assert set(names(found)) == {"tie-lost"}
    repair(found, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["tie_word_embeddings"] is False
    assert names(examine(tmp_path / "out")) == {}
