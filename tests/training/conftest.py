"""Runs on a small extended checkpoint."""

from dataclasses import replace

import pytest

from vocabx.training.options import TrainOptions
from vocabx.training_pipeline import train


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
