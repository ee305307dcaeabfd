import pytest

from vocabx.training.stability_gap import Gap, find_gap

STEPS = [0, 1, 2, 5, 10, 20, 40, 80]


def test_a_gap_is_found_with_its_bottom_and_its_end():
    bits = [1.0, 1.1, 1.3, 1.2, 1.05, 0.99, 0.95, 0.9]
    assert find_gap(STEPS, bits) == Gap(2, pytest.approx(0.3), 20)


def test_a_gap_that_is_not_made_up_for_has_no_end():
    assert find_gap(STEPS, [1.0, 1.1, 1.3, 1.2, 1.15, 1.1, 1.1, 1.1]).recovered is None


@pytest.mark.parametrize(
    "bits",
    [
        [2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 1.3],
        [1.0, 1.01, 1.02, 1.03, 1.05, 1.1, 1.15, 1.2],
        [1.0, 1.0, 1.02, 1.05, 1.1, 1.2, 1.3, 1.29],
        [1.0, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2],
    ],
    ids=["learning", "forgetting", "forgetting that slows at the end", "a step"],
)
def test_learning_and_forgetting_are_no_gap(bits):
    assert find_gap(STEPS, bits) is None


def test_two_scores_show_no_gap():
    assert find_gap([0, 10], [1.0, 0.9]) is None
