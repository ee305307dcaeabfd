"""Sizes that must agree."""

import json

import pytest

from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair


def test_tokens_without_a_row_are_fatal_and_not_repairable(tiny_model, names):
    finding = names(examine(tiny_model(rows=3_944)))["no-row"]
    assert (finding.severity, finding.count, finding.repairable) == ("fatal", 152, False)
    assert "4097" not in finding.remedy
    assert "4096" in finding.remedy


def test_rows_after_the_last_token_are_only_noted(tiny_model, names):
    found = examine(tiny_model(rows=4_224))
    assert names(found) == {}
    assert [(f.name, f.severity, f.count) for f in found.findings if f.name == "padding"] == [
        ("padding", "note", 128)
    ]


@pytest.mark.parametrize("said", [5_000, "4096"])
def test_an_edited_vocab_size_becomes_the_number_of_rows(bare_model, tmp_path, edit_config, names, said):
    files = edit_config(bare_model(), vocab_size=said)
    found = examine(files)
    assert names(found)["vocab-size"].severity == "fatal"
    repair(found, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["vocab_size"] == 4_096
    assert names(examine(tmp_path / "out")) == {}


def test_a_configuration_without_vocab_size_is_accepted(bare_model, edit_config, names):
    assert names(examine(edit_config(bare_model(), vocab_size=None))) == {}


def test_matrices_with_different_numbers_of_rows_are_fatal(tiny_model, edit_tables, names):
    def shorten(tensors):
        tensors["lm_head.weight"] = tensors["lm_head.weight"][:-10]

    files = edit_tables(tiny_model(tied=False, dtype="float32"), shorten)
    found = names(examine(files))
    assert found["table-rows"].severity == "fatal"
    assert found["no-row"].count == 10
