"""vocabx export, from the command line to llama.cpp."""

import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import pytest
from llama_cpp import ask

from vocabx.checkpoint.base import find_base
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.progress import Quiet
from vocabx.tokenizer.adversarial import adversarial_strings
from vocabx.tokenizer.read_tokenizer import read_tokenizer

TOKENS = 300


@pytest.fixture
def extended(vocabx, tiny_model, chinese_file, tmp_path):
    """A tiny checkpoint that vocabx extended, with padding rows at its end."""
    out = tmp_path / "extended"
    run = vocabx(
        "extend", "--base", tiny_model(dtype="float32"), "--lang", "zh-Hant", "--corpus", chinese_file,
        "--new-tokens", TOKENS, "--no-evaluate", "--out", out,
    )  # fmt: skip
    assert run.code == 0, run.err
    return out


def test_an_extended_checkpoint_runs_in_llama_cpp(vocabx, extended, verses, english, tmp_path):
    out = tmp_path / "made" / "extended.gguf"
    run = vocabx("export", extended, "--gguf", out)
    assert run.code == 0, run.err
    assert "smollm" in run.out
    manifest = json.loads((extended / "vocabx.json").read_text())
    sizes = manifest["sizes"]
    fields = gguf.GGUFReader(out).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    assert len(tokens) == sizes["rows"]
    pads = [f"[PAD{index}]" for index in range(sizes["tokens"], sizes["rows"])]
    assert len(pads) == sizes["pad_rows"] > 0
    assert tokens[sizes["tokens"] :] == pads
    assert fields["tokenizer.ggml.suppress_tokens"].contents() == list(range(sizes["tokens"], sizes["rows"]))
    tokenizer = read_tokenizer(extended)
    texts = [*verses[:400], *english[:200], *adversarial_strings(500, long=False)]
    answer = ask(out, texts, prompts=tokenizer.encode(verses[:3]), tokens=1)
    assert dict(zip(texts, answer["ids"], strict=True)) == dict(
        zip(texts, tokenizer.encode(texts), strict=True)
    )
    new = range(manifest["ranges"][0]["first_id"], sizes["tokens"])
    assert any(index in new for ids in answer["ids"] for index in ids)
    assert answer["greedy"] == [[index] for index in likeliest(extended, tokenizer.encode(verses[:3]))]


def likeliest(directory: Path, prompts) -> list[int]:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    with torch.no_grad():
        return [int(model(torch.tensor([ids])).logits[0, -1].argmax()) for ids in prompts]


def test_transformers_reads_the_file_back_bit_for_bit(vocabx, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("VOCABX_CACHE", str(tmp_path / "cache"))
    directory, out = tiny_model(tied=False), tmp_path / "model.gguf"
    assert vocabx("export", directory, "--gguf", out).code == 0
    before, after = (tensors_of(path) for path in (directory, find_base(str(out), Quiet()).directory))
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def tensors_of(directory: Path):
    return {name: file.map(name) for file in read_checkpoint(directory).files for name in file.tensors}


def test_one_json_object_describes_the_file(vocabx, tiny_model, tmp_path):
    directory, out = tiny_model(tied=False), tmp_path / "model.gguf"
    run = vocabx("export", directory, "--gguf", out, "--dtype", "f16", "--json")
    assert run.code == 0, run.err
    said = json.loads(run.out)
    assert said == {
        "path": str(out),
        "architecture": "llama",
        "tokens": 4096,
        "pretokenizer": "smollm",
        "tensors": 21,
        "bytes": out.stat().st_size,
        "dtype": "f16",
    }


def test_a_widened_pre_tokenizer_is_exported_only_with_pre(vocabx, tiny_model, tmp_path):
    directory, out = tiny_model(), tmp_path / "model.gguf"
    path = directory / "tokenizer.json"
    spec = json.loads(path.read_text())
    spec["pre_tokenizer"]["pretokenizers"][0] = {
        "type": "Split", "pattern": {"Regex": r"\p{M}+"}, "behavior": "Isolated", "invert": False,
    }  # fmt: skip
    path.write_text(json.dumps(spec))
    assert "--pre NAME" in refused(vocabx("export", directory, "--gguf", out))
    assert vocabx("export", directory, "--gguf", out, "--pre", "gpt-2").code == 0
    assert gguf.GGUFReader(out).fields["tokenizer.ggml.pre"].contents() == "gpt-2"


def refused(run) -> str:
    """The one line of an error."""
    assert run.code == 2
    assert run.out == ""
    assert run.err.startswith("error: ") and run.err.count("\n") == 1, run.err
    return run.err


def config_of(directory: Path, **changes) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_bad_input_is_refused_in_one_line_and_leaves_no_files(vocabx, tiny_model, tmp_path):
    directory, out = tiny_model(), tmp_path / "out" / "model.gguf"
    assert "is not a directory" in refused(vocabx("export", tmp_path / "none", "--gguf", out))
    assert "is not a directory" in refused(vocabx("export", directory / "config.json", "--gguf", out))
    assert "auto, f32, f16, bf16, q8_0 or int8" in refused(
        vocabx("export", directory, "--gguf", out, "--dtype", "q4_0")
    )
    assert "does not end in .gguf" in refused(vocabx("export", directory, "--gguf", tmp_path / "model.bin"))
    assert "is factorized" in refused_with(vocabx, directory, out, factorised={"rank": 4})
    assert "llama, mistral, qwen2, qwen3" in refused_with(vocabx, directory, out, model_type="gpt2")
    assert "llama, mistral, qwen2, qwen3" in refused_with(vocabx, directory, out, model_type="strange")
    (directory / "model.safetensors").rename(tmp_path / "weights")
    assert "has no model.safetensors" in refused(vocabx("export", directory, "--gguf", out))
    (tmp_path / "weights").rename(directory / "model.safetensors")
    (directory / "tokenizer.json").unlink()
    assert "holds no tokenizer" in refused(vocabx("export", directory, "--gguf", out))
    (directory / "config.json").write_text("{")
    assert "config.json" in refused(vocabx("export", directory, "--gguf", out))
    assert not out.parent.exists()


def refused_with(vocabx, directory: Path, out: Path, **changes) -> str:
    before = (directory / "config.json").read_text()
    config_of(directory, **changes)
    try:
        return refused(vocabx("export", directory, "--gguf", out))
    finally:
        (directory / "config.json").write_text(before)


def test_an_existing_file_is_not_overwritten(vocabx, tiny_model, tmp_path):
    out = tmp_path / "model.gguf"
    out.write_text("mine")
    assert f"{out} exists" in refused(vocabx("export", tiny_model(), "--gguf", out))
    assert out.read_text() == "mine"


def test_a_full_disk_is_reported_before_anything_is_written(vocabx, tiny_model, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    out = tmp_path / "out" / "model.gguf"
    assert "make room" in refused(vocabx("export", tiny_model(), "--gguf", out))
    assert not out.parent.exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_no_files(vocabx, tiny_model, tmp_path, monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr("vocabx.gguf.tensors._converted", fail)
    out = tmp_path / "out" / "model.gguf"
    run = vocabx("export", tiny_model(), "--gguf", out)
    assert run.code == (2 if isinstance(error, OSError) else 130)
    assert run.err.count("\n") == 1
    assert not out.parent.exists()


@pytest.mark.slow
def test_extended_smollm2_continues_texts_in_llama_cpp_as_in_transformers(
    vocabx, smollm2, verses, english, tmp_path
):
    extended, out = tmp_path / "extended", tmp_path / "model.gguf"
    run = vocabx(
        "extend", "--base", "smollm2", "--lang", "zh-Hant", "--new-tokens", 500, "--no-evaluate",
        "--out", extended,
    )  # fmt: skip
    assert run.code == 0, run.err
    assert vocabx("export", extended, "--gguf", out, "--dtype", "f32").code == 0
    tokenizer = read_tokenizer(extended)
    texts = [*verses, *english, *adversarial_strings(3000, long=False)]
    prompts = tokenizer.encode([*verses[:6], *english[:6]])
    found = ask(out, texts, prompts=prompts, tokens=1)
    assert dict(zip(texts, found["ids"], strict=True)) == dict(
        zip(texts, tokenizer.encode(texts), strict=True)
    )
    assert found["greedy"] == [[index] for index in likeliest(extended, prompts)]


def test_a_quantized_file_is_read_by_llama_cpp(vocabx, tiny_model, tmp_path):
    out = tmp_path / "model.gguf"
    assert vocabx("export", tiny_model(), "--gguf", out, "--dtype", "q8_0").code == 0
    data = {tensor.name: tensor for tensor in gguf.GGUFReader(out).tensors}
    # A width of 16 is less than one block of 32.
    assert data["token_embd.weight"].tensor_type.name == "F16"
    assert data["blk.0.ffn_down.weight"].tensor_type.name == "Q8_0"
    assert np.isfinite(list(ask(out, prompts=[[5, 6, 7]], tokens=1)["logprobs"][0][0].values())).all()
