"""--link, --hash, --resume, damaged bases, and vocabx verify --records, from the command line."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vocabx.checkpoint.read_checkpoint import read_checkpoint

FEW = (
    "--lang", "zh-Hant", "--new-tokens", 50, "--heldout-bytes", 3000, "--adversarial", 20, "--no-evaluate",
)  # fmt: skip


@pytest.fixture
def sharded(small_model):
    """A base of three files, of which the second holds no embedding matrix."""
    return small_model(tied=False, sharded=True)


@pytest.fixture
def texts(chinese_file, english_file):
    return ("--corpus", chinese_file, "--base-text", english_file)


def test_only_files_without_an_embedding_matrix_are_linked(vocabx, sharded, texts, tmp_path):
    options = ("--base", sharded, *texts, *FEW)
    assert vocabx("extend", *options, "--out", tmp_path / "copied").code == 0
    assert vocabx("extend", *options, "--out", tmp_path / "linked", "--link").code == 0
    linked = {p.name for p in sharded.glob("*.safetensors") if (tmp_path / "linked" / p.name).samefile(p)}
    assert len(linked) == 1
    for path in (tmp_path / "copied").glob("*.safetensors"):
        assert not path.samefile(sharded / path.name)
        assert path.read_bytes() == (tmp_path / "linked" / path.name).read_bytes()
    assert vocabx("verify", tmp_path / "linked", "--records").code == 0


def test_verify_finds_files_that_no_longer_match_vocabx_json(vocabx, sharded, texts, tmp_path):
    out = tmp_path / "out"
    options = ("--base", sharded, *texts, *FEW, "--hash")
    assert vocabx("extend", *options, "--out", out).code == 0
    whole = vocabx("verify", out, "--records", "--json")
    assert whole.code == 0 and json.loads(whole.out)["passed"]
    shard = next(p for p in out.glob("*.safetensors") if (sharded / p.name).read_bytes() == p.read_bytes())
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    found = vocabx("verify", out, "--records", "--json")
    failed = [claim["name"] for claim in json.loads(found.out)["claims"] if not claim["holds"]]
    assert found.code == 1 and failed == ["shards"]
    assert vocabx("verify", out, "--records").code == 1


@pytest.mark.parametrize("command", ["verify", "doctor"])
def test_a_base_with_other_embeddings_is_refused(vocabx, sharded, small_model, texts, tmp_path, command):
    out = tmp_path / "out"
    assert vocabx("extend", "--base", sharded, *texts, *FEW, "--out", out).code == 0
    other = small_model(tied=False, dtype="float32")
    against = ("--against", other) if command == "verify" else ("--base", other)
    run = vocabx(command, out, *against)
    assert run.code == 2
    # Of a long path, the middle may be missing.
    assert run.err.count("\n") == 1 and f"{other.name} is not the base of " in run.err


def test_a_checkpoint_with_replaced_embeddings_is_not_extended(vocabx, sharded, texts, tmp_path):
    first = tmp_path / "first"
    options = (*texts, *FEW)
    assert vocabx("extend", "--base", sharded, *options, "--out", first).code == 0
    assert vocabx("extend", "--base", first, *options, "--out", tmp_path / "second").code == 0
    table = read_checkpoint(first).input
    with table.file.path.open("r+b") as stream:
        stream.seek(table.file.data_start + table.file.tensors[table.name].begin)
        stream.write(b"\x01\x02")
    run = vocabx("extend", "--base", first, *options, "--out", tmp_path / "third")
    assert run.code == 2
    assert run.err.count("\n") == 1 and "differs from the one that vocabx.json recorded" in run.err
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize("command", ["extend", "transfer"])
def test_embeddings_with_nan_or_inf_are_refused_before_the_work(
    vocabx, small_model, gpt2_json, texts, tmp_path, command
):
    base = small_model(dtype="float32")
    tensors = load_file(base / "model.safetensors")
    tensors["model.embed_tokens.weight"][400, 3] = np.nan
    save_file(tensors, base / "model.safetensors", {"format": "pt"})
    more = ("--new-tokens", 50) if command == "extend" else ("--tokenizer", gpt2_json, "--init", "focus")
    options = ("--lang", "zh-Hant", *texts, "--no-evaluate", "--out", tmp_path / "out")
    run = vocabx(command, "--base", base, *more, *options)
    assert run.code == 2
    told = "row 400 of model.embed_tokens.weight holds NaN or Inf"
    assert run.err.count("\n") == 1 and told in run.err
    assert not list(tmp_path.glob("out*"))


def test_a_full_disk_is_shown_in_a_dry_run_and_refused_in_the_run(
    vocabx, small_model, texts, tmp_path, monkeypatch
):
    import shutil

    real = shutil.disk_usage

    def small(path):
        return real(path)._replace(free=1_000_000)

    monkeypatch.setattr(shutil, "disk_usage", small)
    options = ("--base", small_model(), *texts, *FEW, "--out", tmp_path / "out")
    planned = vocabx("extend", *options, "--dry-run")
    assert planned.code == 0 and "only 0.00 GB are free" in planned.out
    run = vocabx("extend", *options)
    assert run.code == 2 and run.err.count("\n") == 1 and "make room" in run.err
    assert not list(tmp_path.glob("out*"))


def test_resume_without_anything_to_resume_starts_over(vocabx, small_model, texts, tmp_path):
    options = ("--base", small_model(), *texts, *FEW, "--resume", "--out", tmp_path / "out")
    assert vocabx("extend", *options).code == 0
    again = vocabx("extend", *options)
    assert again.code == 2 and "exists and is not empty" in again.err


def test_a_finished_checkpoint_holds_no_temporary_files(vocabx, sharded, texts, tmp_path):
    out = tmp_path / "out"
    assert vocabx("extend", "--base", sharded, *texts, *FEW, "--out", out).code == 0
    assert not [*out.glob("*unfinished*"), *out.glob("*.part")]
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("out")) == ["out"]
