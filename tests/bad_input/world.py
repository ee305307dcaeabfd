"""The directories that are damaged, and the command lines that read them.

A small base, its extension, runs that trained it, tokenizers of each family and texts: made once.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import small_tokenizers
from left_runs import leave_runs
from tiny_models import tiny_model

TOKENIZERS = ("byte-level", "wordpiece", "unigram", "characters", "sentencepiece", "t5")


def make_world(directory: Path, extended: Path, texts: Path, english: list[str]) -> None:
    """Fill `directory`, from a small extended checkpoint beside its base."""
    from tokenizers import normalizers

    base = extended.with_name(extended.name.removesuffix("-extended"))
    shutil.copytree(base, directory / "base")
    shutil.copytree(extended, directory / "model")
    lines = [line for line in english[:400] if line.strip()]
    small_tokenizers.byte_level(directory / "byte-level", lines)
    small_tokenizers.wordpiece(directory / "wordpiece", lines)
    small_tokenizers.unigram(directory / "unigram", lines, normalizers.NFKC())
    small_tokenizers.character_bpe(directory / "characters", lines)
    small_tokenizers.sentencepiece_model(
        directory / "sentencepiece" / "tokenizer.model", lines, "bpe", byte_fallback=True
    )
    small_tokenizers.sentencepiece_model(directory / "t5" / "spiece.model", lines, "unigram")
    config: dict[str, Any] = {"tokenizer_class": "T5Tokenizer", "extra_ids": 10}
    small_tokenizers.write_json(directory / "t5" / "tokenizer_config.json", config)
    bert = tiny_model("bert", rows=400)
    bert.save_pretrained(directory / "bert")
    for path in (directory / "wordpiece").iterdir():
        shutil.copyfile(path, directory / "bert" / path.name)
    for name in ("base", "model"):
        more = {"eos_token": {"content": "<|endoftext|>", "lstrip": False}, "pad_token": "<|endoftext|>"}
        small_tokenizers.write_json(directory / name / "special_tokens_map.json", more)
        small_tokenizers.write_json(directory / name / "added_tokens.json", {"<|endoftext|>": 0})
    _shard(directory / "base", directory / "sharded")
    (directory / "texts").mkdir()
    for path in texts.iterdir():
        shutil.copyfile(path, directory / "texts" / path.name)
    (directory / "texts" / "zh.txt").write_text("\n".join(_records(texts / "zh.jsonl")), "utf-8")
    (directory / "texts" / "zh.csv").write_text(
        "text\n" + "\n".join(f'"{one}"' for one in _records(texts / "zh.jsonl")), "utf-8"
    )
    (directory / "texts" / "zh.json").write_text(json.dumps(_records(texts / "zh.jsonl")), "utf-8")
    (directory / "texts" / "dictionary.txt").write_text("the\t的\nof\t在\n", "utf-8")
    rows = ("4 4", "the 1 2 3 4", "的 1 2 3 4", "of 2 1 0 1", "在 2 1 1 1")
    (directory / "texts" / "vectors.vec").write_text("".join(f"{row}\n" for row in rows), "utf-8")
    leave_runs(directory, directory / "texts")


def _records(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]


def _shard(base: Path, target: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(base, target)
    (target / "model.safetensors").unlink()
    tensors = load_file(base / "model.safetensors")
    names = sorted(tensors)
    where = {name: f"model-0000{1 + (i % 2)}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in sorted(set(where.values())):
        held = {name: tensors[name] for name in names if where[name] == file}
        save_file(held, target / file, metadata={"format": "pt"})
    small_tokenizers.write_json(
        target / "model.safetensors.index.json", {"metadata": {"total_size": 1}, "weight_map": where}
    )


def command_line(name: str, at: Mapping[str, Path], out: Path) -> list[str]:
    """The words of a command.

    Args:
        name: what the tables call it.
        at: where each directory and text is.
        out: what it may write.
    """
    text = ("--corpus", at["zh"], "--base-text", at["en"])
    lang = ("--lang", "zh-Hant")
    few = (
        *lang,
        *text,
        "--new-tokens",
        8,
        "--heldout-bytes",
        1000,
        "--learn-bytes",
        4000,
        "--adversarial",
        10,
    )
    quick = (*few, "--no-evaluate")
    lora = (
        "train", at["model"], "--corpus", at["zh"], "--replay", at["en"], "--method", "lora",
        "--dtype", "float32", "--sequence-length", 48, "--step-sequences", 4, "--heldout-bytes", 1000,
        "--lora-rank", 4, "--evaluate-every", 4,
    )  # fmt: skip
    lines: dict[str, tuple[Any, ...]] = {
        "extend": ("extend", "--base", at["base"], *quick, "--out", out),
        "extend again": ("extend", "--base", at["model"], *quick, "--out", out),
        "extend dry": ("extend", "--base", at["base"], *few, "--out", out, "--dry-run"),
        "extend tokenizer": (
            *("extend", "--base", at["tokenizer"], *quick, "--out", out, "--tokenizer-only"),
        ),
        "extend donor": (
            "extend",
            "--base",
            at["byte-level"],
            *text,
            *lang,
            "--heldout-bytes",
            1000,
            "--adversarial",
            10,
            "--donor",
            at["tokenizer"],
            "--tokenizer-only",
            "--out",
            out,
        ),
        "extend resume": ("extend", "--base", at["base"], *quick, "--out", at["other"], "--resume"),
        "extend vectors": (
            "extend",
            "--base",
            at["base"],
            *quick,
            "--out",
            out,
            "--init",
            "wechsel",
            "--dictionary",
            at["dictionary"],
            "--source-vectors",
            at["vectors"],
            "--target-vectors",
            at["vectors"],
        ),
        "transfer": (
            "transfer",
            "--base",
            at["base"],
            "--tokenizer",
            at["tokenizer"],
            *lang,
            *text,
            "--init",
            "mean",
            "--heldout-bytes",
            1000,
            "--learn-bytes",
            4000,
            "--no-evaluate",
            "--out",
            out,
        ),
        "compare": (
            *("compare", "--base", at["base"], *lang, *text, "--new-tokens", 8, "--heldout-bytes", 1000),
            *("--learn-bytes", 4000, "--init", "mean,zip-tie", "--no-evaluate", "--probe-steps", 0),
        ),
        "train": (*lora, "--max-steps", 1, "--out", out),
        "train dry": (*lora, "--max-steps", 1, "--out", out, "--dry-run"),
        "train resume": (*lora, "--max-steps", 6, "--out", at["broken"], "--resume"),
        "train branch": (*lora, "--max-steps", 9, "--out", out, "--branch-from", at["run"]),
        "train branch unfinished": (*lora, "--max-steps", 9, "--out", out, "--branch-from", at["broken"]),
        "merge": ("merge", at["run"], "--base", at["model"], "--no-compare", "--out", out),
        "evaluate": (
            *("evaluate", at["model"], "--base", at["base"], *text, "--samples", 0),
            *("--heldout-bytes", 1000, "--out", out),
        ),
        "verify": (
            *("verify", at["model"], "--against", at["base"], *text, *lang, "--adversarial", 10),
            *("--sample-bytes", 2000),
        ),
        "verify tokenizer": (
            *("verify", at["tokenizer"], "--against", at["tokenizer"], *text, *lang, "--adversarial", 10),
            *("--sample-bytes", 2000),
        ),
        "verify records": ("verify", at["model"], "--records"),
        "inspect": ("inspect", at["tokenizer"], *lang, "--corpus", at["zh"], "--sample-bytes", 4000),
        "doctor": ("doctor", at["model"]),
        "doctor base": ("doctor", at["model"], "--base", at["base"]),
        "doctor out": ("doctor", at["model"], "--base", at["base"], "--out", out),
        "doctor tokenizer": ("doctor", at["tokenizer"]),
        "export": ("export", at["base"], "--gguf", out),
        "export model": ("export", at["model"], "--gguf", out),
        "push": ("push", at["model"], "--to", "me/model", "--dry-run"),
        "languages": ("languages",),
        "bases": ("bases", "--json"),
    }
    return list(map(str, lines[name]))


def paths_of(directory: Path) -> dict[str, Path]:
    """Where everything is in a world."""
    names = ("base", "model", "sharded", "bert", "run", "broken", "other", *TOKENIZERS)
    at = {name: directory / name for name in names}
    texts = directory / "texts"
    at |= {"zh": texts / "zh.jsonl", "en": texts / "en.txt", "tokenizer": directory / "byte-level"}
    return {**at, "dictionary": texts / "dictionary.txt", "vectors": texts / "vectors.vec"}
