"""Models that contradict themselves, or that only their own code builds: the command says one sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from architectures_models import small_model
from bad_run import run, tree
from own_code_model import save_own_code_model
from safetensors.torch import load_file, save_file

from vocabx.checkpoint.safetensors_file import INDEX

ROWS = 600
WEIGHTS = "model.safetensors"


def with_settings(base: Path, **more: object) -> None:
    path = base / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


def with_tensor(base: Path, name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    tensors = load_file(base / WEIGHTS)
    tensors[name] = change(tensors[name]).contiguous()
    save_file(tensors, base / WEIGHTS, metadata={"format": "pt"})


def unknown_class(base: Path) -> None:
    save(base, "lfm2", "Lfm2ForCausalLM")
    with_settings(base, architectures=["NoSuchForCausalLM"], model_type="no_such_type")


def no_language_model(base: Path) -> None:
    save(base, "lfm2", "Lfm2ForCausalLM")
    with_settings(base, architectures=["ViTForImageClassification"], model_type="vit", vocab_size=None)


def another_size(base: Path) -> None:
    save(base, "lfm2", "Lfm2ForCausalLM")
    with_settings(base, vocab_size=ROWS + 5)


def missing_shard(base: Path) -> None:
    save(base, "lfm2", "Lfm2ForCausalLM", max_shard_size="40KB")
    index = json.loads((base / INDEX).read_text())
    lost = index["weight_map"]["model.embed_tokens.weight"]
    (base / lost).unlink()


def shard_not_listed(base: Path) -> None:
    save(base, "lfm2", "Lfm2ForCausalLM", max_shard_size="40KB")
    index = json.loads((base / INDEX).read_text())
    lost = index["weight_map"]["model.embed_tokens.weight"]
    index["weight_map"] = {name: file for name, file in index["weight_map"].items() if file != lost}
    (base / INDEX).write_text(json.dumps(index))


def different_lengths(base: Path) -> None:
    save(base, "exaone4", "Exaone4ForCausalLM")
    with_tensor(base, "lm_head.weight", lambda rows: rows[:-1])


def integers(base: Path) -> None:
    save(base, "lfm2", "Lfm2ForCausalLM")
    with_tensor(base, "model.embed_tokens.weight", lambda rows: rows.to(torch.int8))


def unexplained(base: Path) -> None:
    save(base, "lfm2", "Lfm2ForCausalLM")
    tensors = load_file(base / WEIGHTS) | {"token_weights": torch.randn(ROWS, 3)}
    save_file(tensors, base / WEIGHTS, metadata={"format": "pt"})


def own_code(base: Path) -> None:
    base.rmdir()
    save_own_code_model(base, ROWS, tied=True)


def own_code_that_ends(base: Path) -> None:
    own_code(base)
    (base / "modeling_oddly.py").write_text("import os\nos._exit(1)\n")


def save(base: Path, kind: str, name: str, **how: str) -> None:
    small_model(kind, name, vocab_size=ROWS).save_pretrained(base, **how)


@pytest.mark.parametrize(("make", "said", "options"), [
    (unknown_class, "'no_such_type', which transformers", ()),
    (no_language_model, "'vit', whose settings state no vocabulary size", ()),
    (another_size, "vocab_size in config.json is 605 and the embedding matrix has 600 rows", ()),
    (missing_shard, "safetensors", ()),
    (shard_not_listed, "has no embedding matrix model.embed_tokens.weight: is a shard missing?", ()),
    (different_lengths, "has 600 rows and lm_head.weight 599", ()),
    (integers, "model.embed_tokens.weight is stored as 'I8'", ()),
    (unexplained, "has a tensor token_weights of the shape (600, 3)", ()),
    (own_code, "only be built by code of its own (auto_map)", ()),
    (own_code_that_ends, "which ended with exit code 1", ("--trust-remote-code",)),
])  # fmt: skip
def test_a_model_that_cannot_be_extended_is_one_sentence_and_nothing_is_written(
    tmp_path, small_tokenizer, small_extended, make, said, options
):
    base, out = tmp_path / "base", tmp_path / "out"
    base.mkdir()
    make(base)
    for path in small_tokenizer.iterdir():
        shutil.copyfile(path, base / path.name)
    before, texts = tree(tmp_path), small_extended.texts
    words = ["extend", "--base", str(base), "--lang", "zh-Hant", "--out", str(out), "--new-tokens", "8"]
    words += ["--corpus", str(texts / "zh.jsonl"), "--base-text", str(texts / "en.txt"), *options]
    code, _, err = run(words, tmp_path)
    assert code == 2
    (sentence,) = [line for line in err.splitlines() if line]
    assert sentence.startswith("error: ") and said in sentence
    assert len(sentence) <= 300 + len("error: ")
    assert tree(tmp_path) == before
