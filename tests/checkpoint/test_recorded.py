import json

import pytest

from vocabx import ExtendOptions, extend
from vocabx.checkpoint.hashing import table_hashes
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.recorded import recorded_claims, require_base, require_own_tables
from vocabx.errors import BaseModelError


@pytest.fixture
def made(small_model, chinese_file, english_file, tmp_path):
    """A base in several files, and its extension."""
    base = small_model(tied=False, sharded=True)
    options = ExtendOptions(
        base=str(base), lang="zh-Hant", corpus=(str(chinese_file),),
        base_text=(str(english_file),), out=tmp_path / "out", new_tokens=50,
        heldout_bytes=3000, evaluate=False, adversarial=20, hash=True,
    )  # fmt: skip
    extend(options)
    return base, tmp_path / "out"


def failing(directory) -> list[str]:
    return [claim.name for claim in recorded_claims(directory) if not claim.holds]


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_all_records_are_checked_and_each_change_is_found(made):
    base, out = made
    manifest = json.loads((out / "vocabx.json").read_text())
    assert {claim.name for claim in recorded_claims(out)} == {
        "files",
        "tables",
        "shards",
        "sizes",
        "documents",
    }
    assert failing(out) == []
    checkpoint = read_checkpoint(out)
    assert set(manifest["shards"]) == {path.name for path in out.glob("*.safetensors")}
    others = [name for name, record in manifest["shards"].items() if not record["rewritten"]]
    assert len(others) == 1 and len(manifest["shards"]) == 3
    assert (out / others[0]).read_bytes() == (base / others[0]).read_bytes()

    flip(out / "config.json", 5)
    assert failing(out) == ["files"]
    flip(out / "config.json", 5)
    flip(out / others[0], -1)
    assert failing(out) == ["shards"]
    flip(out / others[0], -1)
    table = checkpoint.output
    flip(table.file.path, table.file.data_start + table.file.tensors[table.name].begin)
    assert failing(out) == ["shards", "tables"]
    flip(table.file.path, table.file.data_start + table.file.tensors[table.name].begin)
    (out / "README.md").write_text("A card that somebody rewrote.")
    assert failing(out) == ["documents"]
    assert not next(c for c in recorded_claims(out) if c.name == "documents").required


def test_a_missing_or_truncated_file_is_found(made):
    _, out = made
    shard = sorted(out.glob("*.safetensors"))[1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    assert "shards" in failing(out)
    shard.unlink()
    assert "shards" in failing(out)


def test_a_directory_without_records_has_nothing_to_check(tiny_model):
    assert recorded_claims(tiny_model()) == ()


def test_the_base_is_accepted_and_another_is_refused(made, small_model):
    base, out = made
    require_base(out, read_checkpoint(base))
    table = read_checkpoint(base).input
    flip(table.file.path, table.file.data_start + table.file.tensors[table.name].begin)
    with pytest.raises(BaseModelError, match=r"its model\.embed_tokens\.weight differs from the one") as told:
        require_base(out, read_checkpoint(base))
    assert "\n" not in str(told.value)
    with pytest.raises(BaseModelError, match="is not the base of"):
        require_base(out, read_checkpoint(small_model(dtype="float32")))


def test_a_checkpoint_with_replaced_embeddings_is_refused_as_a_base(made):
    _, out = made
    checkpoint = read_checkpoint(out)
    require_own_tables(checkpoint, table_hashes(checkpoint))
    table = checkpoint.input
    flip(table.file.path, table.file.data_start + table.file.tensors[table.name].begin)
    with pytest.raises(BaseModelError, match=r"differs from the one that vocabx\.json recorded"):
        require_own_tables(checkpoint, table_hashes(checkpoint))


def test_without_hash_unchanged_files_are_checked_by_size_and_tensors(
    small_model, chinese_file, english_file, tmp_path
):
    options = ExtendOptions(
        base=str(small_model()), lang="zh-Hant", corpus=(str(chinese_file),),
        base_text=(str(english_file),), out=tmp_path / "out",
        new_tokens=50, heldout_bytes=3000, evaluate=False, adversarial=20,
    )  # fmt: skip
    extend(options)
    (record,) = json.loads((tmp_path / "out" / "vocabx.json").read_text())["shards"].values()
    assert set(record) == {"bytes", "tensors", "rewritten"}
    assert record["bytes"] == (tmp_path / "out" / "model.safetensors").stat().st_size
