"""Tying in config.json, compared with what is stored."""

import json

import pytest

from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair


def with_head(tensors):
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].copy()
    tensors["lm_head.weight"][:7] += 1


def tie_of(path):
    return json.loads((path / "config.json").read_text())["tie_word_embeddings"]


def test_two_different_matrices_with_a_tied_configuration_are_both_kept(
    bare_model, tmp_path, edit_tables, names
):
    found = examine(edit_tables(bare_model(dtype="float32"), with_head))
    assert (names(found)["tie-lost"].count, names(found)["tie-lost"].severity) == (7, "wrong")
    repair(found, tmp_path / "out")
    assert tie_of(tmp_path / "out") is False
    assert names(examine(tmp_path / "out")) == {}


def test_a_configuration_without_an_entry_ties_like_its_model_type(
    bare_model, edit_tables, edit_config, names
):
    files = edit_tables(bare_model(dtype="float32"), with_head)
    assert names(examine(edit_config(files, tie_word_embeddings=None))) == {}
    assert "tie-lost" in names(examine(edit_config(files, model_type="gemma")))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_two_equal_matrices_that_are_not_tied_are_tied(bare_model, tmp_path, edit_tables, names, dtype):
    def copy(tensors):
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].copy()

    found = examine(edit_tables(bare_model(tied=False, dtype=dtype), copy))
    assert names(found)["tie-lost"].repairable
    repair(found, tmp_path / "out")
    assert tie_of(tmp_path / "out") is True
    assert names(examine(tmp_path / "out")) == {}


def test_a_missing_lm_head_is_fatal_and_becomes_tied(bare_model, tmp_path, edit_config, names):
    found = examine(edit_config(bare_model(), tie_word_embeddings=False))
    assert names(found)["no-head"].severity == "fatal"
    repair(found, tmp_path / "out")
    assert tie_of(tmp_path / "out") is True


def test_an_untied_model_of_a_tied_base_is_noted(bare_model, smollm2):
    files = bare_model(tied=False)
    assert "untied" in [finding.name for finding in examine(files, smollm2).findings]
    assert "untied" not in [finding.name for finding in examine(files).findings]
