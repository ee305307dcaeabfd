"""Bases with torch's .bin weights, and malicious bases, through the command line."""

import json
import os
import shutil
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM


@pytest.fixture
def bin_model(tiny_model, tmp_path, monkeypatch):
    """The small model with only pytorch_model.bin, and an empty cache."""
    monkeypatch.setenv("VOCABX_CACHE", str(tmp_path / "cache"))
    directory = tiny_model()
    state = load_file(directory / "model.safetensors")
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    (directory / "model.safetensors").unlink()
    torch.save(state, directory / "pytorch_model.bin")
    return directory


class Payload:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (os.system, (f"touch {self.target}",))


def extend(vocabx, base, corpus, out):
    return vocabx(
        *("extend", "--base", base, "--lang", "zh-Hant", "--corpus", corpus, "--out", out),
        *("--new-tokens", 300, "--no-evaluate", "--learn-bytes", 100_000, "--adversarial", 300),
    )


def test_a_base_of_bin_files_is_extended(vocabx, bin_model, chinese_file, tmp_path):
    before = {path.name: path.read_bytes() for path in bin_model.iterdir()}
    done = extend(vocabx, bin_model, chinese_file, tmp_path / "out")
    assert done.code == 0, done.err
    assert {path.name: path.read_bytes() for path in bin_model.iterdir()} == before
    old, new = (
        torch.load(bin_model / "pytorch_model.bin", weights_only=True),
        load_file(tmp_path / "out" / "model.safetensors"),
    )
    assert new.keys() == old.keys() - {"lm_head.weight"}
    rows = len(old["model.embed_tokens.weight"])
    for name, tensor in new.items():
        assert torch.equal(tensor[:rows] if name == "model.embed_tokens.weight" else tensor, old[name])
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out", local_files_only=True)
    assert model.get_input_embeddings().weight.shape[0] == model.config.vocab_size >= rows + 300
    assert not list((tmp_path / "out").glob("*.bin"))


@pytest.fixture
def refused(vocabx, chinese_file, tmp_path):
    """Extend a base that must be refused, and check that no files are left behind."""

    def run(base):
        before = sorted(tmp_path.rglob("*"))
        done = extend(vocabx, base, chinese_file, tmp_path / "out")
        assert (done.code, done.out) == (2, ""), done
        assert done.err.startswith("error: ") and done.err.count("\n") == 1, done.err
        assert sorted(tmp_path.rglob("*")) == before, "files were left behind"
        return done.err

    return run


def test_a_bin_file_with_code_in_it(refused, bin_model, tmp_path):
    target = tmp_path / "owned"
    torch.save({"model.embed_tokens.weight": Payload(target)}, bin_model / "pytorch_model.bin")
    assert "nothing was run" in refused(bin_model)
    assert not target.exists()


@pytest.mark.parametrize("legacy", [True, False])
def test_a_truncated_bin_file(refused, bin_model, legacy):
    path = bin_model / "pytorch_model.bin"
    state = torch.load(path, weights_only=True)
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    path.write_bytes(path.read_bytes()[:-1000])
    assert "download it again" in refused(bin_model)


@pytest.mark.parametrize("how", ["header", "twice", "link", "pipe", "config", "index", "quantised"])
def test_a_malicious_directory(refused, tiny_model, tmp_path, how):
    directory = tiny_model()
    weights, config = directory / "model.safetensors", directory / "config.json"
    if how == "header":
        weights.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    elif how == "twice":
        entry = '"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}'
        header = f"{{{entry}, {entry}}}".encode()
        weights.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    elif how == "link":
        shutil.move(weights, tmp_path / "elsewhere")
        weights.symlink_to("../elsewhere")
    elif how == "pipe":
        weights.unlink()
        os.mkfifo(weights)
    elif how == "config":
        config.write_text("[" * 100_000)
    elif how == "index":
        where = dict.fromkeys(load_file(weights), "../elsewhere")
        (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    else:
        state = load_file(weights)
        state["model.embed_tokens.qweight"] = state.pop("model.embed_tokens.weight").to(torch.int32)
        save_file(state, weights, {"format": "pt"})
        settings = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
        config.write_text(json.dumps({**json.loads(config.read_text()), **settings}))
    # Of a long path, the middle may be missing.
    assert directory.name in refused(directory)
