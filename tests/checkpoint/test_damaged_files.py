"""Malicious and damaged model directories: all are refused in one line."""

import json
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vocabx.checkpoint.architectures import ARCHITECTURES
from vocabx.checkpoint.base import find_base, find_tokenizer_base
from vocabx.checkpoint.quantised import quantisation_of, refuse_quantised_matrices
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.commands.doctor.examine import examine
from vocabx.errors import BaseModelError
from vocabx.progress import Quiet

CONFIG = {"model_type": "llama", "vocab_size": 5, "tie_word_embeddings": False}
EMBED, HEAD, NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"
INDEX = "model.safetensors.index.json"


def table(first: int = 0) -> np.ndarray:
    return np.arange(20, dtype=np.float32).reshape(5, 4) + first


@pytest.fixture
def whole(tmp_path) -> Path:
    """A model in one file."""
    directory = tmp_path / "whole"
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(CONFIG))
    save_file({EMBED: table(), HEAD: table(9), NORM: np.ones(4)}, directory / "model.safetensors")
    return directory


@pytest.fixture
def sharded(tmp_path) -> Path:
    """A model in two files."""
    directory = tmp_path / "sharded"
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(CONFIG))
    save_file({EMBED: table()}, directory / "one.safetensors")
    save_file({HEAD: table(9), NORM: np.ones(4)}, directory / "two.safetensors")
    write_index(directory, {EMBED: "one.safetensors", HEAD: "two.safetensors", NORM: "two.safetensors"})
    return directory


def write_index(directory: Path, where: object) -> None:
    (directory / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": where}))


def refusal(directory: Path) -> str:
    before = sorted(directory.rglob("*"))
    with pytest.raises(BaseModelError) as caught:
        read_checkpoint(directory)
    assert "\n" not in str(caught.value)
    assert str(directory) in str(caught.value)
    assert sorted(directory.rglob("*")) == before
    return str(caught.value)


def raw(path: Path, header: bytes, data: bytes = b"", length: int | None = None) -> None:
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + data)


def entry(shape=(5, 4), offsets=(0, 80), dtype="F32") -> str:
    return json.dumps({"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)})


def test_the_undamaged_models_are_read(whole, sharded):
    assert read_checkpoint(whole).input.rows == read_checkpoint(sharded).input.rows == 5


@pytest.mark.parametrize("left", [0, 7, 8, 100, 0.5, -1])
@pytest.mark.parametrize("name", ["one.safetensors", "two.safetensors"])
def test_a_truncated_shard(sharded, name, left):
    content = (sharded / name).read_bytes()
    (sharded / name).write_bytes(content[: int(len(content) * left) if isinstance(left, float) else left])
    assert "download it again" in refusal(sharded)


@pytest.mark.parametrize("length", [0, 1, 2**31, 2**63, 2**64 - 1, 10**8, 10**8 + 1])
def test_a_header_of_absurd_length(whole, length):
    raw(whole / "model.safetensors", f'{{"{EMBED}": {entry()}}}'.encode(), bytes(80), length)
    assert "download it again" in refusal(whole)


@pytest.mark.parametrize(
    "described",
    [
        entry(offsets=(-80, 0)), entry(offsets=(0.0, 80.0)), entry(offsets=(0, 80.5)), entry(offsets=(80, 0)),
        entry(offsets=(0, 2**70)), entry(offsets=(8, 88)), entry(offsets=(0, 40)), entry(offsets=("0", "80")),
        entry(offsets=(0, True)), entry(offsets=(0, float("nan"))), entry(offsets=(0, float("inf"))),
        entry(shape=(2**40, 2**40)), entry(shape=(2**63, 2)), entry(shape=(-5, -4)), entry(shape=(5.0, 4.0)),
        entry(shape=(1e400, 4)), entry(shape=[20] * 3), entry(shape=()), entry(shape=[2**64] * 1000),
        entry(dtype="F9999"), entry(dtype=""), entry(dtype=None), "{}", "null", "[]", '"x"', "1e999",
        "9" * 10_000, "[" * 100_000, '{"a":' * 100_000,
    ],
)  # fmt: skip
def test_an_entry_that_lies(whole, described):
    raw(whole / "model.safetensors", f'{{"{EMBED}": {described}}}'.encode(), bytes(80))
    refusal(whole)


@pytest.mark.parametrize("offsets", [(0, 80), (40, 120), (79, 159), (81, 161), (160, 240)])
def test_tensors_that_overlap_or_leave_a_gap(whole, offsets):
    header = f'{{"{EMBED}": {entry()}, "{HEAD}": {entry(offsets=offsets)}}}'
    raw(whole / "model.safetensors", header.encode(), bytes(offsets[1]))
    assert "overlap or leave a gap" in refusal(whole)


@pytest.mark.parametrize(
    "header",
    [
        f'{{"{EMBED}": {entry()}, "{EMBED}": {entry(offsets=(80, 160))}}}',
        f'{{"{EMBED}": {entry()}, "{EMBED}": {entry()}}}',
        f'{{"{EMBED}": {{"dtype": "F32", "shape": [5, 4], "shape": [20, 1], "data_offsets": [0, 80]}}}}',
        f'{{"__metadata__": {{"a": "1", "a": "2"}}, "{EMBED}": {entry()}}}',
    ],
)
def test_a_header_with_duplicate_keys(whole, header):
    raw(whole / "model.safetensors", header.encode(), bytes(160 if "160" in header else 80))
    assert "damaged header" in refusal(whole)


def test_a_tensor_in_two_shards(sharded):
    save_file({HEAD: table(9), NORM: np.ones(4), EMBED: table(5)}, sharded / "two.safetensors")
    assert "download both again" in refusal(sharded)


def test_an_index_that_lists_a_tensor_that_its_shard_lacks(sharded):
    write_index(sharded, {EMBED: "one.safetensors", HEAD: "one.safetensors", NORM: "two.safetensors"})
    assert f"says that one.safetensors holds '{HEAD}', but it does not" in refusal(sharded)


def test_an_index_that_omits_an_embedding_matrix(sharded):
    write_index(sharded, {EMBED: "one.safetensors", NORM: "two.safetensors"})
    assert f"two.safetensors holds '{HEAD}', but its index does not list it" in refusal(sharded)


@pytest.mark.parametrize(
    "where",
    [
        "../whole/model.safetensors",
        "/etc/passwd",
        "sub/one.safetensors",
        "",
        ".",
        "..",
        "a\0b",
        "one\n.x",
        "\ud800",
    ],
)
def test_an_index_that_lists_a_file_outside_the_directory(whole, sharded, where):
    write_index(sharded, {EMBED: "one.safetensors", HEAD: where, NORM: "two.safetensors"})
    refusal(sharded)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"5", b"null", b"\xff\xfe", b'{"weight_map": []}', b'{"weight_map": null}',
        b'{"weight_map": {"a": 1}}', b'{"weight_map": {"a": ["one.safetensors"]}}', b"[" * 200_000,
        b'{"weight_map":' * 100_000, b'{"weight_map": {}}', b"9" * 10_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", [INDEX, "config.json"])
def test_json_of_the_wrong_form(sharded, name, content):
    (sharded / name).write_bytes(content)
    refusal(sharded)


def test_shards_missing_from_the_index_and_stray_files_are_not_read(sharded):
    save_file({EMBED: table(7)}, sharded / "three.safetensors")
    (sharded / "adapter_model.safetensors").write_bytes(b"junk")
    assert [file.path.name for file in read_checkpoint(sharded).files] == [
        "one.safetensors",
        "two.safetensors",
    ]


def test_a_directory_with_two_models(sharded):
    """transformers would load the one that vocabx would ignore."""
    save_file({EMBED: table(7), HEAD: table(9)}, sharded / "model.safetensors")
    assert "holds two models" in refusal(sharded)


@pytest.mark.parametrize("name", ["config.json", INDEX, "one.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_files_that_are_not_regular(sharded, name, kind):
    (sharded / name).unlink()
    if kind == "pipe":
        os.mkfifo(sharded / name)
    elif kind == "directory":
        (sharded / name).mkdir()
    else:
        (sharded / name).symlink_to("/dev/zero")
    refusal(sharded)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "LICENSE", INDEX])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_out_of_the_directory(whole, tmp_path, name, absolute):
    outside = tmp_path / "secret"
    outside.write_bytes((whole / name).read_bytes() if (whole / name).exists() else b"{}")
    (whole / name).unlink(missing_ok=True)
    (whole / name).symlink_to(outside if absolute else "../secret")
    assert f"{whole / name} is a link to a file outside its directory" in refusal(whole)
    for find in (find_base, find_tokenizer_base):
        with pytest.raises(BaseModelError, match="is a link to a file outside"):
            find(str(whole), Quiet())


def test_a_chain_and_a_cycle_of_links(whole, tmp_path):
    (tmp_path / "secret").write_text("{}")
    (whole / "a.json").symlink_to("b.json")
    (whole / "b.json").symlink_to("../secret")
    assert "a.json is a link" in refusal(whole)
    (whole / "b.json").unlink()
    (whole / "b.json").symlink_to("a.json")
    assert read_checkpoint(whole).input.rows == 5
    (whole / "config.json").unlink()
    (whole / "config.json").symlink_to("a.json")
    refusal(whole)


def test_links_inside_the_directory_and_to_the_directory_are_followed(whole, tmp_path):
    (whole / "weights").mkdir()
    (whole / "model.safetensors").rename(whole / "weights" / "w")
    (whole / "model.safetensors").symlink_to("weights/w")
    (tmp_path / "name").symlink_to(whole)
    assert read_checkpoint(whole).input.rows == read_checkpoint(tmp_path / "name").input.rows == 5


def snapshot(whole: Path, root: Path) -> Path:
    """The model as stored in the cache of the hub."""
    directory = root / "models--somebody--model" / "snapshots" / "0123abc"
    blobs = root / "models--somebody--model" / "blobs"
    directory.mkdir(parents=True)
    blobs.mkdir()
    for n, path in enumerate(sorted(whole.iterdir())):
        shutil.copyfile(path, blobs / f"{n:040}")
        (directory / path.name).symlink_to(f"../../blobs/{n:040}")
    return directory


def test_a_snapshot_in_the_cache_of_the_hub_is_read(whole, tmp_path):
    directory = snapshot(whole, tmp_path / "hub")
    assert find_base(str(directory), Quiet()).directory == directory
    assert read_checkpoint(directory).input.rows == 5
    (tmp_path / "elsewhere").symlink_to(tmp_path / "hub")
    moved = tmp_path / "elsewhere" / directory.relative_to(tmp_path / "hub")
    assert read_checkpoint(moved).input.rows == 5


@pytest.mark.parametrize("target", ["../../../secret", "../../refs/main", "../other/x", "../../blobs/link"])
def test_a_snapshot_that_links_outside_its_blobs(whole, tmp_path, target):
    directory = snapshot(whole, tmp_path / "hub")
    (tmp_path / "hub" / "secret").write_text("{}")
    (directory.parents[1] / "blobs" / "link").symlink_to("../../secret")
    (directory / "extra.json").symlink_to(target)
    assert "extra.json is a link to a file outside its directory" in refusal(directory)


def test_a_directory_that_only_looks_like_the_cache_of_the_hub(whole, tmp_path):
    directory = tmp_path / "a" / "snapshots" / "b"
    shutil.copytree(whole, directory)
    (tmp_path / "a" / "blobs").mkdir()
    (directory / "model.safetensors").rename(tmp_path / "a" / "blobs" / "x")
    (directory / "model.safetensors").symlink_to("../../blobs/x")
    assert "is a link to a file outside" in refusal(directory)


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "\ud800"])
def test_control_characters_in_a_name_are_escaped_in_one_line(whole, sharded, name):
    raw(whole / "model.safetensors", json.dumps({name: json.loads(entry(shape=(6, 4)))}).encode(), bytes(80))
    write_index(sharded, {EMBED: "one.safetensors", HEAD: "two.safetensors", name: "two.safetensors"})
    messages = [refusal(whole), read_checkpoint(sharded).note]
    write_index(sharded, {EMBED: name, HEAD: "two.safetensors", NORM: "two.safetensors"})
    messages.append(refusal(sharded))
    raw(whole / "model.safetensors", f'{{"{EMBED}": {entry(dtype=name)}}}'.encode(), bytes(80))
    messages.append(refusal(whole))
    for config in (
        {"vocab_size": name},
        {"model_type": name},
    ):
        (sharded / "config.json").write_text(json.dumps({**CONFIG, **config}))
        write_index(sharded, {EMBED: "one.safetensors", HEAD: "two.safetensors", NORM: "two.safetensors"})
        messages.append(refusal(sharded))
    (sharded / "config.json").write_text(
        json.dumps({**CONFIG, "quantization_config": {"quant_method": name}})
    )
    messages.append(read_checkpoint(sharded).quantisation)
    messages.append(quantisation_of({}, {f"{name}.qweight": "I32"}))
    with pytest.raises(BaseModelError) as caught:
        known = ARCHITECTURES["llama"]
        refuse_quantised_matrices("fp8", known, (EMBED, HEAD, f"lm_head.{name}"), sharded)
    messages.append(str(caught.value))
    assert all(message.isprintable() for message in messages)


def test_an_embedding_matrix_without_rows_or_width(whole):
    for shape in ((0, 4), (5, 0)):
        save_file({EMBED: np.zeros(shape, np.float32), HEAD: table()}, whole / "model.safetensors")
        assert "is empty" in refusal(whole)


def test_the_doctor_does_not_wait_for_a_pipe(sharded):
    (sharded / "one.safetensors").unlink()
    os.mkfifo(sharded / "one.safetensors")
    assert examine(sharded, None)
