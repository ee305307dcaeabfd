"""Directories that other commands refuse are still examined."""

import json
import os

import pytest

from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair
from vocabx.errors import VocabxError
from vocabx.tokenizer.read_tokenizer import read_tokenizer


@pytest.mark.parametrize(
    ("break_it", "name"),
    [
        (lambda d: os.truncate(d / "model.safetensors", 5000), "weights"),
        (lambda d: (d / "config.json").write_text("{"), "config.json"),
        (lambda d: (d / "config.json").write_text("[]"), "config.json"),
        (lambda d: (d / "tokenizer_config.json").write_text("?"), "tokenizer_config.json"),
        (lambda d: (d / "tokenizer.json").write_text("{}"), "tokenizer.json"),
        (lambda d: (d / "tokenizer.model").write_bytes(b"\x00\x01 no model"), "tokenizer.model"),
        (lambda d: (d / "model.safetensors.index.json").write_text("[]"), "weights"),
        (
            lambda d: (d / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"a": "model.safetensors", "b": "lost.safetensors", "c": "../x"}})
            ),
            "weights",
        ),
    ],
)
def test_a_damaged_file_is_a_finding(bare_model, names, break_it, name):
    files = bare_model()
    break_it(files)
    assert names(examine(files))[name].severity in ("fatal", "wrong")


def test_a_damaged_tokenizer_json_is_regenerated_from_the_model(
    directory, tmp_path, small, small_file, english, names
):
    found = examine(directory(tokenizer__model=small_file.read_bytes(), tokenizer__json="{"))
    assert names(found)["tokenizer.json"].repairable
    repair(found, tmp_path / "out")
    assert names(examine(tmp_path / "out")) == {}
    assert read_tokenizer(tmp_path / "out").encode(english) == small.encode(english)


def test_a_directory_with_nothing_to_examine_is_refused_in_one_line(directory, tmp_path):
    for path in (directory(), directory(config__json={"model_type": "llama"}), tmp_path / "nowhere"):
        with pytest.raises(VocabxError) as refused:
            examine(path)
        assert "\n" not in str(refused.value)


def test_a_base_without_a_tokenizer_is_refused(bare_model, directory):
    with pytest.raises(VocabxError, match="holds no tokenizer"):
        examine(bare_model(), directory())


def test_a_base_of_another_family_is_refused(smollm2, t5_json):
    with pytest.raises(VocabxError, match="pass the extended base with --base"):
        examine(smollm2, t5_json)


def test_an_unknown_model_type_is_examined_by_known_tensor_names(bare_model, edit_config, names):
    found = examine(edit_config(bare_model(), model_type="novel", vocab_size=7))
    assert "vocab-size" in names(found)


def test_weights_without_a_tokenizer_and_shards_are_examined(bare_model, names):
    files = bare_model(rows=50_000, shard="500KB")
    assert (files / "model.safetensors.index.json").is_file()
    assert names(examine(files)) == {}


def test_an_unknown_family_is_noted(directory, names):
    spec = {
        "version": "1.0",
        "added_tokens": [],
        "model": {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"},
    }
    found = examine(directory(tokenizer__json=spec))
    assert [(finding.name, finding.severity) for finding in found.findings] == [("family", "note")]
