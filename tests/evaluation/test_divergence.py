from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vocabx.evaluation.divergence import mean_divergence

SEQUENCES = [[0, 3, 1, 4, 1], [0, 5], [0], [2, *range(6), *range(6)] * 30]


class Table(torch.nn.Module):
    """A bigram model: the logits after an id are a row of a table."""

    device = torch.device("cpu")

    def __init__(self, rows):
        super().__init__()
        self.rows = torch.tensor(rows)

    def forward(self, ids):
        return SimpleNamespace(logits=self.rows[ids])


@pytest.fixture
def logits():
    """Logits over six ids, and over the same with four more."""
    random = np.random.default_rng(0)
    first = 3 * random.standard_normal((6, 6))
    return first, np.hstack([first + 0.3 * random.standard_normal((6, 6)), random.standard_normal((6, 4))])


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def plain_mean(first, second, sequences):
    """The definition in float64, one position at a time."""
    values = []
    for ids in sequences:
        for given in ids[:-1]:
            p, q = softmax(first[given].astype(np.float64)), softmax(second[given].astype(np.float64))
            values.append(sum(p[i] * np.log(p[i] / q[i]) for i in range(len(p)) if p[i] > 0))
    return np.mean(values)


def test_the_divergence_follows_its_definition(logits):
    done = []
    found = mean_divergence(*map(Table, logits), SEQUENCES, done.append)
    assert found == pytest.approx(plain_mean(*logits, SEQUENCES), rel=1e-6)
    assert sum(done) == sum(len(ids) - 1 for ids in SEQUENCES)


def test_models_in_lower_precision_are_compared_in_their_dtype(logits):
    models = [Table(rows) for rows in logits]
    for model in models:
        model.rows = model.rows.bfloat16()
    rounded = [model.rows.double().numpy() for model in models]
    assert mean_divergence(*models, SEQUENCES) == pytest.approx(plain_mean(*rounded, SEQUENCES), rel=1e-5)


def test_probability_of_additional_ids_increases_the_divergence(logits):
    first, _ = logits
    longer = np.hstack([first, np.log(np.exp(first).sum(axis=1, keepdims=True))])
    assert mean_divergence(Table(first), Table(first), SEQUENCES) == pytest.approx(0, abs=1e-7)
    # The additional id takes half of the probability.
    assert mean_divergence(Table(first), Table(longer), SEQUENCES) == pytest.approx(np.log(2), rel=1e-6)


def test_an_id_with_zero_probability_has_no_weight(logits):
    ruled = [rows.copy() for rows in logits]
    for rows in ruled:
        rows[:, 2] = -np.inf
    found = mean_divergence(*map(Table, ruled), SEQUENCES)
    assert found == pytest.approx(plain_mean(*ruled, SEQUENCES), rel=1e-6)


def test_models_that_cannot_be_compared_are_refused(logits):
    first, second = map(Table, logits)
    with pytest.raises(ValueError, match="fewer than the 10"):
        mean_divergence(second, first, SEQUENCES)
    with pytest.raises(ValueError, match="no sequence"):
        mean_divergence(first, second, [[0], []])


def test_a_real_model_with_a_larger_vocabulary_is_compared(tiny_model):
    from transformers import AutoModelForCausalLM

    directory = tiny_model(dtype="float32", rows=600)
    first, second = (AutoModelForCausalLM.from_pretrained(directory).eval() for _ in range(2))
    second.resize_token_embeddings(640, mean_resizing=False)
    sequences = [[1, 5, 7, 300, 8, 9] * 50, [1, 2, 3]]
    p, q = [], []
    with torch.no_grad():
        for ids in sequences:
            row = torch.tensor([ids])
            p += list(first.double()(row).logits[0, :-1].numpy())
            q += list(second.double()(row).logits[0, :-1].numpy())
    first.float(), second.float()
    values = [(softmax(a) * np.log(softmax(a) / softmax(b)[:600])).sum() for a, b in zip(p, q, strict=True)]
    assert mean_divergence(first, second, sequences) == pytest.approx(np.mean(values), rel=1e-4)
