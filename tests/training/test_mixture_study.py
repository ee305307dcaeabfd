"""The answers of a study of mixtures, from runs whose scores follow known laws."""

import numpy as np
import pytest
from msgspec.structs import replace

from vocabx.errors import TrainingError
from vocabx.training.metrics import Measured
from vocabx.training.mixture_law import MixtureLaw
from vocabx.training.mixture_study import Asked, ShortRun, points_of, require_enough, study_of

TARGET = MixtureLaw(0.9, 0.35, 0.12, 0.6, 0.35, 0.08, 0.7, 1e6)
BASE = MixtureLaw(0.8, 0.02, 0.05, 0.5, 0.3, 0.05, 0.8, 1e6)
SHARES = (0.1, 0.25, 0.5, 0.75)
BEFORE = 0.95
STEPS = (1, 2, 5, *range(10, 101, 10))


def run_of(share, noise=0.0, **changes):
    drawn = np.random.default_rng(round(100 * share))
    scores = [
        Measured(
            step=step,
            tokens=10_000 * step,
            target_bits=float(TARGET(1e4 * step, 1 - share)) * (1 + noise * drawn.normal()),
            base_bits=float(BASE(1e4 * step, share)) * (1 + noise * drawn.normal()),
            seconds=1.0,
        )
        for step in STEPS
    ]
    first = Measured(step=0, tokens=0, target_bits=3.0, base_bits=BEFORE, seconds=1.0)
    return ShortRun(share, f"runs/{share}", (first, *scores), 2, **changes)


@pytest.fixture(scope="module")
def study():
    runs = [*(run_of(share, 0.002) for share in SHARES), run_of(0.4, 0.002, fitted=False)]
    return study_of(runs, Asked(tolerance=5.0, target_tokens=2_000_000, seed=0))


def largest(tokens_of, limit):
    """The largest share of new text that the true law keeps within a limit, by trying them."""
    shares = np.linspace(0.25, 0.9, 1301)
    return max(share for share in shares if float(BASE(tokens_of(share), 1 - share)) <= limit)


def test_the_largest_share_within_the_tolerance_is_that_of_the_true_law(study):
    kept = study.kept_in_runs
    assert kept.share == pytest.approx(largest(lambda share: 1e6, 1.05 * BEFORE), abs=0.02)
    assert kept.low <= kept.share <= kept.high and kept.high - kept.low < 0.1
    assert (kept.tokens, kept.times) == (1_000_000, 1.0)
    assert kept.base_bits == pytest.approx(1.05 * BEFORE, rel=0.01)


def test_a_longer_training_is_predicted_from_its_amount_of_new_text(study):
    kept = study.kept
    assert kept.share == pytest.approx(largest(lambda share: 2e6 / share, 1.05 * BEFORE), abs=0.03)
    assert kept.tokens == pytest.approx(2e6 / kept.share, rel=0.01)
    assert kept.times == pytest.approx(kept.tokens / 1e6)
    shares = np.linspace(0.25, 0.9, 1301)
    best = shares[np.argmin(TARGET(2e6 / shares, shares))]
    assert study.best.share == pytest.approx(best, abs=0.06)


def test_both_ways_to_the_critical_share_agree(study):
    assert study.critical.share == pytest.approx(study.kept_in_runs.share, abs=0.05)
    assert study.critical.low <= study.critical.share <= study.critical.high


def test_a_share_that_no_law_was_fitted_to_is_predicted_within_two_percent(study):
    (checked,) = study.checked
    assert checked.replay_share == 0.4
    assert max(abs(checked.target_error), abs(checked.base_error)) < 0.02
    assert [one.replay_share for one in study.left_out] == [0.25, 0.5]


def test_scores_before_the_bottom_of_the_gap_and_during_the_warmup_are_left_out():
    run = run_of(0.25)
    assert [one.step for one in run.usable] == [2, 5, *range(10, 101, 10)]
    gap = [replace(one, base_bits=1.5) if one.step == 10 else one for one in run.measured]
    assert replace(run, measured=tuple(gap)).usable[0].step == 10
    assert len(points_of([run, run_of(0.5)], "base").bits) == 2 * len(run.usable)
    assert set(points_of([run], "target").share) == {0.75}


def test_a_tolerance_that_nothing_meets_has_no_answer_and_one_that_all_meet_the_largest_share():
    runs = [run_of(share) for share in SHARES]
    strict = study_of(runs, Asked(tolerance=1e-3, target_tokens=2_000_000, seed=0))
    worse = [
        replace(run, measured=(replace(run.measured[0], base_bits=0.5), *run.measured[1:])) for run in runs
    ]
    assert study_of(worse, Asked(1.0, 2_000_000, 0)).kept.share is None
    assert study_of(runs, Asked(1000.0, 2_000_000, 0)).kept.share == pytest.approx(0.9)
    assert strict.kept_in_runs.share is None or strict.kept_in_runs.share < 0.9


@pytest.mark.parametrize(
    ("shares", "kept", "says"),
    [
        ((0.1, 0.5), 14, "2 shares with 26 scores .* pass 2 more with --replay-shares and --resume"),
        ((0.1, 0.25, 0.5, 0.75), 3, "4 shares with 4 scores .* pass 10 more"),
    ],
)
def test_too_few_runs_are_told_how_many_more(shares, kept, says):
    runs = [replace(one, measured=one.measured[:kept]) for one in map(run_of, shares)]
    if kept == 14:
        runs = [replace(run, warmup=0) for run in runs]
    with pytest.raises(TrainingError, match=says):
        require_enough(runs)
