import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from vocabx import ExtendOptions, extend
from vocabx.checkpoint.bin_base import has_only_bin
from vocabx.checkpoint.grow import grow_checkpoint
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.safetensors_file import INDEX
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import without_rows

NORM, LAYER = "model.norm.weight", "model.layers.1.mlp.up_proj.weight"


@pytest.fixture
def base(tiny_model, small_tokenizer) -> Path:
    """A tied model in two shards."""
    directory = tiny_model(rows=600, shard="20KB", tokenizer=small_tokenizer)
    assert len(list(directory.glob("*.safetensors"))) == 2
    return directory


def changed(directory: Path, **change: object) -> dict[str, str]:
    """The weight map of an index, with names added, or removed where the place is None."""
    index = json.loads((directory / INDEX).read_text())
    where = {**index["weight_map"], **change}
    index["weight_map"] = {name: place for name, place in where.items() if place is not None}
    (directory / INDEX).write_text(json.dumps(index))
    return index["weight_map"]


def grown_index(base: Path) -> dict[str, str]:
    checkpoint = read_checkpoint(base)
    target = base.parent / "grown"
    target.mkdir()
    mixture = everywhere(without_rows(8, checkpoint.input.rows, 1.0, None))
    grow_checkpoint(checkpoint, mixture, target, range(0))
    return json.loads((target / INDEX).read_text())["weight_map"]


STALE = "model.layers.0.self_attn.rotary_emb.inv_freq"


@pytest.mark.parametrize("kind", ["stale buffer", "unknown name", "omitted", "moved", "tied lm_head"])
def test_an_index_that_is_wrong_about_what_does_not_matter_is_read_and_repaired(base, kind):
    right = changed(base)
    shards = sorted(set(right.values()))
    other = next(shard for shard in shards if shard != right[NORM])
    change = {
        "stale buffer": {STALE: shards[0]},
        "unknown name": {"something.else": shards[1]},
        "omitted": {NORM: None},
        "moved": {NORM: other},
        "tied lm_head": {"lm_head.weight": shards[0]},
    }[kind]
    changed(base, **change)
    (name,) = change
    assert read_checkpoint(base).note == (
        f"{INDEX} of the base is wrong about {name!r}: not needed, and right in the result."
    )
    assert grown_index(base) == right


def test_a_right_index_is_not_complained_of(base):
    assert read_checkpoint(base).note == ""


@pytest.mark.parametrize("name", [NORM, LAYER])
def test_a_tensor_that_the_model_needs_and_no_shard_holds_is_refused(base, name):
    shard = base / changed(base)[name]
    tensors = load_file(shard)
    del tensors[name]
    save_file(tensors, shard, metadata={"format": "pt"})
    with pytest.raises(BaseModelError, match=f"holds '{name}', but it does not: download both again"):
        read_checkpoint(base)


def test_what_the_index_is_wrong_about_is_said_in_one_line(small_extended, tmp_path):
    extended = small_extended()
    base = Path(
        shutil.copytree(extended.with_name(extended.name.removesuffix("-extended")), tmp_path / "base")
    )
    where = dict.fromkeys(load_file(base / "model.safetensors"), "model.safetensors")
    (base / INDEX).write_text(
        json.dumps({"metadata": {}, "weight_map": {**where, STALE: "model.safetensors"}})
    )
    (base / "pytorch_model.bin").write_bytes(b"stale")
    (base / "adapter_model.safetensors").write_bytes(b"stale")
    notes: list[str] = []
    texts = small_extended.texts
    options = ExtendOptions(
        base=str(base), lang="zh-Hant", out=tmp_path / "out", corpus=(str(texts / "zh.jsonl"),),
        base_text=(str(texts / "en.txt"),), new_tokens=20, adversarial=10, heldout_bytes=1000, evaluate=False,
    )  # fmt: skip
    extend(options, Noting(notes))
    assert [note for note in notes if STALE in note] == [
        f"{INDEX} of the base is wrong about {STALE!r}: not needed, and right in the result."
    ]
    assert "Not copied from the base: adapter_model.safetensors (an adapter's); " in notes[-1]
    assert "pytorch_model.bin (the base's weights in another form)" in notes[-1]


class Noting:
    """Progress that keeps the notes."""

    def __init__(self, notes: list[str]) -> None:
        self.note = notes.append

    def stage(self, title, total=None, unit=""):
        from contextlib import nullcontext

        return nullcontext(lambda amount: None)

    def status(self, text): ...


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "consolidated.safetensors"])
def test_safetensors_of_another_kind_do_not_hide_bin_files(tmp_path, name):
    (tmp_path / "pytorch_model.bin").write_bytes(b"weights")
    (tmp_path / name).write_bytes(b"other")
    assert has_only_bin(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert not has_only_bin(tmp_path)
