"""Small extended checkpoints, and runs on them."""

from dataclasses import replace
from pathlib import Path

import pytest

from vocabx import ExtendOptions, extend
from vocabx.training.options import TrainOptions
from vocabx.training_pipeline import train


@pytest.fixture(scope="session")
def small_extended(tmp_path_factory, small_tokenizer, verses, english):
    """A function that gives a small random Llama with 40 Chinese tokens more, and the texts of both languages."""
    import json
    import shutil

    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    made: dict[bool, Path] = {}
    texts = tmp_path_factory.mktemp("texts")
    groups = ["\n".join(verses[i : i + 4]) for i in range(0, 600, 4)]
    lines = [json.dumps({"text": group}, ensure_ascii=False) for group in groups]
    (texts / "zh.jsonl").write_text("\n".join(lines), "utf-8")
    (texts / "en.txt").write_text("\n\n".join(english[:400]), "utf-8")

    def make(tied: bool = True) -> Path:
        if tied not in made:
            torch.manual_seed(0)
            config = LlamaConfig(
                vocab_size=600, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=512, tie_word_embeddings=tied, bos_token_id=0, eos_token_id=0,
            )  # fmt: skip
            base = tmp_path_factory.mktemp("base")
            LlamaForCausalLM(config).save_pretrained(base)
            for path in small_tokenizer.iterdir():
                shutil.copyfile(path, base / path.name)
            out = base.parent / f"{base.name}-extended"
            options = ExtendOptions(
                base=str(base), lang="zh-Hant", out=out, corpus=(str(texts / "zh.jsonl"),), evaluate=False,
                base_text=(str(texts / "en.txt"),), new_tokens=40, hostile=50, heldout_bytes=2000,
            )  # fmt: skip
            extend(options)
            made[tied] = out
        return made[tied]

    make.texts = texts
    return make


@pytest.fixture
def run_of(small_extended, tmp_path):
    """A function that trains a small checkpoint for 12 steps in float32; options may be changed."""

    def run(name="run", *, tied=True, progress=None, **changes):
        options = options_of(small_extended, tmp_path / name, tied)
        return train(replace(options, **changes), progress)

    return run


def options_of(small_extended, out, tied=True) -> TrainOptions:
    return TrainOptions(
        directory=small_extended(tied),
        out=out,
        method="lora",
        dtype="float32",
        corpus=(str(small_extended.texts / "zh.jsonl"),),
        replay=(str(small_extended.texts / "en.txt"),),
        sequence_length=48,
        step_sequences=4,
        max_steps=12,
        heldout_bytes=1000,
        lora_rank=4,
        rows_first=0.2,
        warmup=0.2,
        save_every=3,
        evaluate_every=4,
    )
