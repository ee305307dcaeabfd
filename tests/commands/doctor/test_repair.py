"""The repaired directory: complete, linked, and unchanged where nothing was wrong."""

import json
import os
import shutil

import pytest
from manifests import small_manifest

from vocabx import DoctorOptions, doctor
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.commands.doctor.examine import examine
from vocabx.commands.doctor.repair import repair
from vocabx.errors import OutputError, VocabxError


@pytest.fixture
def broken(model_of_mistral, append, small_file, few_pieces, edit_config):
    """A model with a .model of score-0 pieces and an edited vocab_size."""
    model = append(small_file.read_bytes(), few_pieces)
    return edit_config(model_of_mistral(model, 9_000), vocab_size=34_000)


@pytest.fixture
def edited(bare_model, edit_config):
    """A model with only vocab_size edited."""
    return edit_config(bare_model(), vocab_size=1)


def test_weights_are_the_same_bytes_and_everything_else_is_copied(broken, tmp_path, small_file, names):
    (broken / "LICENSE").write_text("free")
    (broken / "extra").mkdir()
    (broken / "extra" / "note.txt").write_text("kept")
    small_manifest().write(broken)
    (broken / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "LlamaTokenizer", "model_max_length": 512, "bos_token": "<s>"})
    )
    found = examine(broken, small_file)
    assert set(names(found)) == {"scores", "vocab-size"}
    out = tmp_path / "deep" / "out"
    assert {finding.name for finding in repair(found, out)} == {"scores", "vocab-size"}
    assert names(examine(out, small_file)) == {}
    assert (out / "model.safetensors").read_bytes() == (broken / "model.safetensors").read_bytes()
    assert (out / "model.safetensors").samefile(broken / "model.safetensors")
    assert (out / "LICENSE").read_text() == "free"
    assert (out / "extra" / "note.txt").read_text() == "kept"
    assert not (out / "vocabx.json").exists()
    settings = json.loads((out / "tokenizer_config.json").read_text())
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert (settings["model_max_length"], settings["bos_token"]) == (512, "<s>")
    # Other commands accept it now.
    assert read_checkpoint(out).input.rows == 9_000


def test_weights_are_copied_if_they_cannot_be_linked(edited, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    repair(examine(edited), tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (
        edited / "model.safetensors"
    ).read_bytes()
    assert not (tmp_path / "out" / "model.safetensors").samefile(edited / "model.safetensors")


def test_targets_of_links_in_the_hub_cache_are_linked(edited, tmp_path):
    repository = tmp_path / "models--some--model"
    blob = repository / "blobs" / "0123"
    blob.parent.mkdir(parents=True)
    (edited / "model.safetensors").rename(blob)
    (edited / "model.safetensors").symlink_to(blob)
    (repository / "snapshots").mkdir()
    snapshot = edited.rename(repository / "snapshots" / "main")
    repair(examine(snapshot), tmp_path / "out")
    assert not (tmp_path / "out" / "model.safetensors").is_symlink()
    assert (tmp_path / "out" / "model.safetensors").samefile(blob)


@pytest.mark.parametrize("name", ["notes.json", "additional_chat_templates/rag.jinja"])
def test_a_link_that_leads_out_of_the_directory_is_not_followed(edited, tmp_path, name):
    (tmp_path / "secret").write_text("secret")
    (edited / name).parent.mkdir(exist_ok=True)
    (edited / name).symlink_to(tmp_path / "secret")
    with pytest.raises(VocabxError, match=f"{name} is a link to a file outside its directory"):
        doctor(DoctorOptions(directory=edited, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_second_tokenizer_does_not_stay_beside_a_repaired_one(broken, tmp_path, small_file):
    for name in ("tekken.json", "tokenizer.model.v3"):
        (broken / name).write_text("{}")
    repair(examine(broken, small_file), tmp_path / "out")
    assert not {"tekken.json", "tokenizer.model.v3"} & {path.name for path in (tmp_path / "out").iterdir()}


def test_a_disk_that_fills_up_while_files_are_copied_leaves_nothing(edited, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match="No space left on device; no files were left behind"):
        repair(examine(edited), tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_written_if_nothing_can_be_repaired(tiny_model, tmp_path):
    assert repair(examine(tiny_model(rows=3_944)), tmp_path / "out") == ()
    assert not (tmp_path / "out").exists()


def test_a_target_that_exists_or_is_inside_is_refused(edited, tmp_path):
    found = examine(edited)
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine").write_text("mine")
    for out in (taken, edited, edited / "new"):
        with pytest.raises(OutputError, match="choose another --out"):
            repair(found, out)
    assert [path.name for path in taken.iterdir()] == ["mine"]


def test_a_failed_repair_leaves_no_files(edited, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vocabx.commands.doctor.repair.write_json", fail)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match="no files were left behind"):
        repair(examine(edited), tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before
