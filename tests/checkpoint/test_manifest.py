import hashlib
import json
from pathlib import Path

import pytest
import torch
from manifests import small_manifest
from safetensors.torch import load_file

from vocabx.checkpoint.hashing import table_hashes
from vocabx.checkpoint.manifest import Manifest, RecordedBase, RecordedRun, Sizes, file_hash, read_manifest
from vocabx.checkpoint.read_checkpoint import read_checkpoint


def hashes(directory: Path, names: list[str]) -> dict[str, str]:
    tensors = {k: v for path in directory.glob("*.safetensors") for k, v in load_file(path).items()}
    return {name: hashlib.sha256(tensors[name].view(torch.uint8).numpy()).hexdigest() for name in names}


def test_a_manifest_survives_writing_and_reading(tmp_path):
    small_manifest().write(tmp_path)
    read = json.loads((tmp_path / "vocabx.json").read_text("utf-8"))
    assert read["format"] == 1
    assert read["ranges"] == [
        {"first_id": 5, "count": 2, "source": "learned"},
        {"first_id": 7, "count": 1, "source": "pad"},
    ]
    assert read["certificate"] == [
        {"name": "base-text", "sentence": "全文不變。", "checked": 3, "failed": 0, "required": True}
    ]
    assert set(read) == {"format", *Manifest.__struct_fields__}
    assert read_manifest(tmp_path) == small_manifest()


def test_of_a_tokenizer_alone_nothing_is_said_of_rows(tmp_path):
    tokenizer = small_manifest(
        base=RecordedBase("tiny", "local", 5), sizes=Sizes(7, 2), tied=None, initializer=None
    )
    tokenizer.write(tmp_path)
    read = json.loads((tmp_path / "vocabx.json").read_text("utf-8"))
    assert read["base"] == {"name": "tiny", "origin": "local", "tokens": 5}
    assert read["sizes"] == {"tokens": 7, "new_tokens": 2}
    assert read["initializer"] == read["training"] == {}
    assert read["tied"] is None
    assert read_manifest(tmp_path) == tokenizer


def test_a_directory_without_a_manifest_has_none(tmp_path):
    assert read_manifest(tmp_path) is None


def test_equal_runs_write_equal_manifests_but_for_the_run(tmp_path):
    written = []
    for seconds in (1.5, 2.5):
        small_manifest(run=RecordedRun("", {"Hashing": seconds}, {})).write(tmp_path)
        written.append(json.loads((tmp_path / "vocabx.json").read_text("utf-8")))
    one, two = written
    assert one.pop("run") != two.pop("run")
    assert one == two


def test_a_manifest_is_readable(tmp_path):
    small_manifest().write(tmp_path)
    text = (tmp_path / "vocabx.json").read_text("utf-8")
    assert "全文不變" in text and text.endswith("}\n")
    assert [line for line in text.split("\n") if line.startswith('  "base"')]


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("shard", ["5GB", "700KB"])
def test_the_hashes_of_the_embeddings_are_those_of_their_bytes(tiny_model, tied, shard):
    directory = tiny_model(tied=tied, rows=20_000, shard=shard)
    names = ["model.embed_tokens.weight"] + ([] if tied else ["lm_head.weight"])
    assert table_hashes(read_checkpoint(directory)) == hashes(directory, names)


def test_one_changed_bit_in_a_matrix_changes_only_its_hash(tiny_model):
    directory = tiny_model(tied=False, rows=100)
    before = table_hashes(read_checkpoint(directory))
    table = read_checkpoint(directory).output
    with table.file.path.open("r+b") as stream:
        stream.seek(table.file.data_start + table.file.tensors[table.name].end - 1)
        last = stream.read(1)
        stream.seek(-1, 1)
        stream.write(bytes([last[0] ^ 1]))
    after = table_hashes(read_checkpoint(directory))
    assert {name for name in before if before[name] != after[name]} == {"lm_head.weight"}


def test_all_of_a_file_is_hashed(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    assert file_hash(tmp_path / "file") == hashlib.sha256(b"x" * 3_000_000).hexdigest()
