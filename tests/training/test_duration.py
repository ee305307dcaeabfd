import pytest

from vocabx.training.duration import described, generating_seconds, scoring_seconds, training_seconds
from vocabx.training.methods import Method
from vocabx.training.model_sizes import ModelSizes

SMOLLM2 = ModelSizes(106_168_320, 32_919_552, 576, 35_136, 368_640, 30, 576, 1536, 57_152)
LORA = Method("lora", "bfloat16", rank=16, alpha=32.0)
TRAINED = {"rows": 8000 * 576, "adapters": 16 * 368_640}
# Of a machine whose figures are in benchmarks/results: products of bfloat16 in hardware, on two cores.
RATE = 7.5e11


def test_the_demonstration_is_estimated_within_a_factor_of_two():
    # train-demo.json: 460 steps of 512 tokens.
    assert 0.5 < training_seconds(SMOLLM2, LORA, TRAINED, 460 * 512, RATE, "cpu") / 1042.6 < 2


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_twice_the_tokens_take_twice_the_time(device):
    one, two = (scoring_seconds(SMOLLM2, tokens, RATE, device) for tokens in (1000, 2000))
    assert two == pytest.approx(2 * one)
    assert generating_seconds(10**9, 20, device) == pytest.approx(2 * generating_seconds(10**9, 10, device))


def test_where_products_are_slow_they_are_all_that_matters():
    slow = scoring_seconds(SMOLLM2, 1000, 1e9, "cpu")
    assert slow == pytest.approx(2e3 * (106_168_320 + 57_152 * 576) / 1e9, rel=0.02)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "about 1 second"), (75, "about 75 seconds"), (400, "about 7 minutes"), (9000, "about 2.5 hours")],
)
def test_a_duration_is_said_as_precisely_as_an_estimate_is(seconds, said):
    assert described(seconds) == said


def test_a_large_vocabulary_takes_time_however_narrow_the_model_is():
    narrow = ModelSizes(10_000, 49_152 * 32, 32, 100, 400, 2, 32, 64, 49_152)
    few = ModelSizes(10_000, 512 * 32, 32, 100, 400, 2, 32, 64, 512)
    for seconds in (
        lambda sizes: scoring_seconds(sizes, 1000, RATE, "cpu"),
        lambda sizes: training_seconds(sizes, LORA, {"rows": 100}, 1000, RATE, "cpu"),
    ):
        assert seconds(narrow) > 10 * seconds(few)
