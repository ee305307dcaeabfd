import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from vocabx.evaluation.bits_per_byte import START_BYTES, bits_per_byte, split_for_scoring

TEXTS = ["The cat sat on the mat. " * 60, "起初神創造天地。" * 150, "short"]


@pytest.fixture
def model_directory(tiny_model):
    return tiny_model(dtype="float32", rows=49152)


def loss_in_bits(directory, base, text):
    """The loss computed by transformers."""
    model = AutoModelForCausalLM.from_pretrained(directory).eval()
    ids = torch.tensor([[1, *base.encode([text])[0]]])
    with torch.no_grad():
        return model(ids, labels=ids).loss.item() * (ids.shape[1] - 1) / math.log(2)


def test_bits_match_the_loss_of_transformers(model_directory, base):
    scores = bits_per_byte(model_directory, base, [TEXTS, TEXTS[:1]])
    bits = [loss_in_bits(model_directory, base, text) for text in TEXTS]
    size = sum(len(text.encode()) for text in TEXTS)
    assert scores[0].whole == pytest.approx(sum(bits) / size, rel=1e-5)
    assert scores[1].whole == pytest.approx(bits[0] / len(TEXTS[0].encode()), rel=1e-5)


def test_the_start_is_scored_independently_of_the_rest(model_directory, base):
    long = "The cat sat on the mat. " * 60
    ids = base.encode([long])[0]
    lengths = np.cumsum([len(base.token_bytes[index]) for index in ids])
    head = base.decode(ids[: int((lengths <= START_BYTES).sum())])
    score = bits_per_byte(model_directory, base, [[long]])[0]
    assert score.start == pytest.approx(loss_in_bits(model_directory, base, head) / len(head), rel=1e-5)


def test_passages_fit_the_context_whatever_the_tokens(base):
    for passage in split_for_scoring(TEXTS, context=200):
        assert len(passage.encode()) < 200
    assert "".join(split_for_scoring(TEXTS, 200)) == "".join(TEXTS)
