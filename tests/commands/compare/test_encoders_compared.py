"""Initializers of encoders and encoder-decoders: trained and scored by what is hidden from them."""

import json
import shutil

import pytest
from small_encoders import small_encoder
from transformers import BertModel

KINDS = ("bert", "roberta", "t5")


@pytest.fixture
def base_of(bert_json, roberta_json, t5_json, tmp_path):
    """A function that returns the directory of a small random model of a kind with a real tokenizer."""
    tokenizers = {"bert": bert_json, "roberta": roberta_json, "t5": t5_json}

    def make(kind):
        directory = tmp_path / kind
        small_encoder(kind).save_pretrained(directory)
        shutil.copyfile(tokenizers[kind], directory / "tokenizer.json")
        return directory

    return make


@pytest.fixture
def compared(vocabx, chinese_file, english_file, tmp_path):
    """A function that compares two initializers of a base, and returns how it ended."""

    def compare(base):
        return vocabx(
            "compare", "--base", base, "--lang", "zh-Hant", "--corpus", chinese_file, "--base-text",
            english_file, "--init", "zip-tie,mean", "--new-tokens", 60, "--probe-steps", 3,
            "--heldout-bytes", 1000, "--learn-bytes", 60_000, "--out", tmp_path / "out",
        )  # fmt: skip

    return compare


@pytest.mark.parametrize("kind", KINDS)
def test_encoders_are_trained_and_scored_by_what_is_hidden(compared, base_of, tmp_path, kind):
    run = compared(base_of(kind))
    assert run.code == 0, run.err
    measure = "span bits per byte" if kind == "t5" else "masked bits per byte"
    assert f"{measure} of held-out text" in run.out
    found = json.loads((tmp_path / "out/compare.json").read_text("utf-8"))
    assert found["measure"] == measure
    assert found["untried"] == "", "distill needs a model that predicts the next token"
    scores = [found["base_bits"], found["base_probed"]["bits"]]
    for row in found["rows"]:
        scores += [row["start"], row["probed"]["bits"]]
        # Rows and adapters have learned something in three steps.
        assert row["probed"]["bits"]["target"] != row["start"]["target"]
    assert all(0 < bits[side] < 16 for bits in scores for side in ("target", "base_language"))
    # The same new tokens, and other embeddings of them.
    assert found["rows"][0]["start"]["target"] != found["rows"][1]["start"]["target"]
    assert measure in (tmp_path / "out/compare.html").read_text("utf-8")


def test_an_encoder_without_its_head_is_refused(compared, base_of, tmp_path):
    base = base_of("bert")
    BertModel.from_pretrained(base, add_pooling_layer=False).save_pretrained(base)
    run = compared(base)
    assert run.code == 2 and "without the head that predicts masked tokens" in run.err
    assert not (tmp_path / "out").exists()
