from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from vocabx.errors import InitializerError
from vocabx.initializers.inputs import LINE_END, InitializerInputs, Tables, TokenVectors
from vocabx.initializers.options import InitializerOptions
from vocabx.initializers.registry import INITIALIZERS, find_initializer

RANDOM = np.random.RandomState(3)
TABLE = RANDOM.standard_normal((40, 8)) + 0.5
PIECES = ((3, 7), (5,), (9, 9, 1), (7, 3))
SOURCE, TARGET = (RANDOM.standard_normal((rows, 6)).astype(np.float32) for rows in (40, 4))
# The last token is unknown.
TARGET[3] = 0
INPUTS = InitializerInputs(
    tokens=(b"ab", b"c", b"ddb", b"ba"),
    pieces=PIECES,
    old_rows=40,
    seed=11,
    old_tokens=(b"a",) * 40,
    vectors=TokenVectors(SOURCE, TARGET),
    text=np.append(RANDOM.randint(0, 44, 500), LINE_END),
    tables=Tables(TABLE),
    settings=InitializerOptions(candidates=12),
)


def test_zip_tie_is_the_mean_of_the_pieces_counting_repeats():
    expected = [TABLE[list(pieces)].mean(axis=0) for pieces in PIECES]
    np.testing.assert_allclose(INITIALIZERS["zip-tie"](INPUTS).apply("input", TABLE), expected, rtol=1e-6)


def test_zip_tie_gives_the_same_row_for_the_same_pieces_in_another_order():
    assert INITIALIZERS["zip-tie"](INPUTS).collisions() == 2


def test_position_weights_distinguish_the_order_of_pieces():
    mixture = INITIALIZERS["zip-tie-ordered"](INPUTS)
    weights = (np.array([1, 2, 3]) / 6)[:, None]
    np.testing.assert_allclose(
        mixture.apply("input", TABLE)[2], (weights * TABLE[[9, 9, 1]]).sum(axis=0), rtol=1e-6
    )
    assert mixture.collisions() == 0


def test_mean_is_the_mean_of_all_old_rows_without_explicit_weights():
    mixture = INITIALIZERS["mean"](INPUTS)
    np.testing.assert_allclose(mixture.apply("input", TABLE), np.tile(TABLE.mean(axis=0), (4, 1)), rtol=1e-6)
    assert mixture.input.weights.nnz == 0


def test_univariate_samples_each_dimension_from_its_own_normal_distribution():
    expected = TABLE.mean(axis=0) + np.random.RandomState(11).standard_normal((4, 8)) * TABLE.std(axis=0)
    np.testing.assert_allclose(INITIALIZERS["univariate"](INPUTS).apply("input", TABLE), expected, rtol=1e-5)


def test_multivariate_has_the_covariance_of_the_old_rows():
    many = InitializerInputs(tokens=(b"x",) * 20_000, pieces=((1,),) * 20_000, old_rows=40, seed=11)
    rows = INITIALIZERS["multivariate"](many).apply("input", TABLE).astype(np.float64)
    expected = 1e-5 * np.cov(TABLE.T, bias=True)
    np.testing.assert_allclose(rows.mean(axis=0), TABLE.mean(axis=0), atol=2e-4)
    np.testing.assert_allclose(np.cov(rows.T), expected, atol=0.05 * expected.max())


# distill trains all rows, on text in a random order.
@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "distill"])
def test_another_seed_changes_only_sampled_rows(name):
    other = replace(INPUTS, seed=12)
    initializations = [INITIALIZERS[name](inputs) for inputs in (INPUTS, INPUTS, other)]
    rows = [initialization.apply("input", TABLE) for initialization in initializations]
    np.testing.assert_array_equal(rows[0], rows[1])
    drawn = np.zeros(4, dtype=bool)
    draws = initializations[0].input.draws
    drawn[[] if draws is None else draws.rows] = True
    np.testing.assert_array_equal((rows[0] != rows[2]).any(axis=1), drawn)


def test_resize_samples_rows_that_equal_the_mean_to_four_decimals():
    rows = INITIALIZERS["resize"](INPUTS).apply("input", TABLE)
    np.testing.assert_allclose(rows, np.tile(TABLE.mean(axis=0), (4, 1)), atol=2e-4)
    assert len(np.unique(rows, axis=0)) == 4


def test_an_unknown_name_is_refused_with_the_nearest_and_all_names():
    with pytest.raises(
        InitializerError, match=r"Did you mean zip-tie\? Known: zip-tie, zip-tie-ordered, wechsel"
    ):
        find_initializer("ziptie")


@pytest.mark.parametrize("name", ["zip-tie", "zip-tie-ordered", "mean", "cw2v"])
def test_greedy_continuations_of_old_text_are_unchanged(name, smollm2, extension, english, verses):
    model = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32).eval()
    ids = torch.tensor([extension.base.encode([english[40]])[0][:12]])
    options = {"max_new_tokens": 20, "do_sample": False, "attention_mask": torch.ones_like(ids)}
    before = model.generate(ids, **options)
    table = model.get_input_embeddings().weight.data
    inputs = InitializerInputs(
        tuple(extension.pieces),
        tuple(extension.pieces.values()),
        extension.base.size,
        0,
        text=np.array([i for ids in extension.tokenizer.encode(verses) for i in [*ids, LINE_END]]),
        tables=Tables(table.numpy()),
    )
    rows = torch.from_numpy(INITIALIZERS[name](inputs).apply("input", table.numpy()))
    model.resize_token_embeddings(len(table) + len(rows), mean_resizing=False)
    model.get_input_embeddings().weight.data[len(table) :] = rows
    assert model.generate(ids, **options).tolist() == before.tolist()
