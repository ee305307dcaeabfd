"""Padding rows that no hidden state of the model likes."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_model

from vocabx.errors import InitializerError
from vocabx.initializers.padding_rows import DEPTH, RIDGE, padding_shift
from vocabx.mixture.initialization import Initialization, everywhere
from vocabx.mixture.mixture import from_rows

V, D = 40, 16
LINES = [np.array(line) for line in ([4, 3, 9, 1], [11, 2, 2], [30, 31, 32, 7, 5])]


@pytest.fixture(scope="module")
def llama():
    return tiny_model("llama", rows=V, tied=False).double()


def states_of(model):
    with torch.no_grad():
        begin = model.config.bos_token_id
        rows = [model.model(torch.tensor([[begin, *line]])).last_hidden_state[0] for line in LINES]
    return torch.cat(rows).numpy()


def test_the_shift_is_the_ridge_regression_of_its_definition(llama):
    states = states_of(llama)
    count = len(states)
    gram = states.T @ states + RIDGE * (states**2).mean() * count * np.eye(D)
    expected = -DEPTH * np.linalg.solve(gram, states.sum(axis=0))
    np.testing.assert_allclose(padding_shift(llama, LINES), expected, rtol=1e-4)


def test_shifted_rows_have_much_lower_logits_than_the_mean(llama):
    shift = padding_shift(llama, LINES).astype(np.float64)
    assert (states_of(llama) @ shift).mean() < -DEPTH / 3


def test_text_is_needed(llama):
    with pytest.raises(InitializerError):
        padding_shift(llama, [])


def test_only_the_last_output_rows_are_shifted_and_tied_ones_with_them():
    table = np.random.RandomState(0).standard_normal((V, D))
    shift = np.full(D, 2, np.float32)
    one, other = from_rows([((1,), (1.0,))], V), from_rows([((2,), (1.0,))], V)
    apart = Initialization(one, other).followed_by_means(2).shifting_last_outputs(2, shift)
    mean = table.mean(axis=0)
    np.testing.assert_allclose(apart.apply("input", table)[1:], [mean, mean], atol=1e-6)
    np.testing.assert_allclose(apart.apply("output", table)[1:], [mean + 2, mean + 2], atol=1e-6)
    np.testing.assert_allclose(apart.apply("output", table)[0], table[2], atol=1e-6)
    tied = everywhere(one).followed_by_means(1).shifting_last_outputs(1, shift)
    np.testing.assert_allclose(tied.apply("input", table)[1], mean + 2, atol=1e-6)
    assert apart.shifting_last_outputs(0, shift) is not None
