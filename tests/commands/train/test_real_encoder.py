"""A real encoder, trained by masked language modeling."""

import numpy as np
from minilm import write_minilm

from vocabx import ExtendOptions, extend
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train


def test_a_real_encoder_learns_chinese(minilm_weights, encoder, tmp_path):
    """MiniLM-L6 with 60 new tokens; its package has no head, so that one is made of its embeddings."""
    base, texts = tmp_path / "base", encoder.texts
    write_minilm(base, minilm_weights)
    corpus = (str(texts / "zh.jsonl"),)
    extend(
        ExtendOptions(
            base=str(base),
            lang="zh-Hant",
            out=tmp_path / "extended",
            corpus=corpus,
            evaluate=False,
            base_text=(str(texts / "en.txt"),),
            new_tokens=60,
            adversarial=50,
            heldout_bytes=2000,
        )
    )
    run = train(
        TrainOptions(
            directory=tmp_path / "extended",
            out=tmp_path / "run",
            method="lora",
            dtype="float32",
            corpus=corpus,
            replay_share=0.0,
            sequence_length=64,
            step_sequences=4,
            max_steps=12,
            heldout_bytes=1000,
            text_bytes=60_000,
            lora_rank=8,
            learning_rate=2e-3,
            rows_learning_rate=2e-3,
            evaluate_every=12,
        )
    )
    before, after = (entry.target_bits for entry in run.record.measured)
    assert after < 0.9 * before
    assert np.isfinite([entry["loss"] for entry in run.metrics if "loss" in entry]).all()
    assert run.record.objective == "masked"
