"""Small encoders and encoder-decoders, extended and trained."""

import dataclasses

import pytest
from small_encoders import extended_encoder

from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train


@pytest.fixture(scope="session")
def encoder(small_extended, bert_json, roberta_json, t5_json, tmp_path_factory):
    """A function that returns a small random model of a kind, extended by Chinese tokens."""
    tokenizers = {"bert": bert_json, "roberta": roberta_json, "distilbert": bert_json, "t5": t5_json}
    small_extended()
    directory, made = tmp_path_factory.mktemp("encoders"), {}

    def make(kind):
        if kind not in made:
            made[kind] = extended_encoder(kind, tokenizers[kind], small_extended.texts, directory)
        return made[kind]

    make.texts = small_extended.texts
    return make


@pytest.fixture(scope="session")
def options_of(encoder):
    """The options of a run of 6 steps in float32."""

    def options(kind, out, **changes):
        texts = encoder.texts
        return dataclasses.replace(
            TrainOptions(
                directory=encoder(kind), out=out, method="lora", dtype="float32",
                corpus=(str(texts / "zh.jsonl"),), replay=(str(texts / "en.txt"),), sequence_length=48,
                step_sequences=4, max_steps=6, heldout_bytes=1000, text_bytes=60_000, lora_rank=4,
                rows_first=0.2, warmup=0.2, save_every=2, evaluate_every=3, rows_learning_rate=0.01,
            ),
            **changes,
        )  # fmt: skip

    return options


@pytest.fixture(scope="session")
def whole(options_of, tmp_path_factory):
    """A function that returns the finished run of a kind, which tests only read."""
    directory, made = tmp_path_factory.mktemp("runs"), {}

    def run(kind):
        if kind not in made:
            made[kind] = train(options_of(kind, directory / kind))
        return made[kind]

    return run
