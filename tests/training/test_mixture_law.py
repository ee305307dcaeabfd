"""The laws of the share of replay, fitted to scores of known laws."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from vocabx.training import mixture_law
from vocabx.training.critical_mixture import critical_share, fit_change, resampled_changes
from vocabx.training.mixture_law import (
    MixtureLaw,
    Points,
    fit_mixture_law,
    interval,
    left_out_errors,
    resampled_laws,
)

# E, B, C, η, β, ε, γ: a language that is learned, and one that is kept.
TRUE = {
    "learned": MixtureLaw(0.9, 0.35, 0.12, 0.6, 0.35, 0.08, 0.7, 1e6),
    "kept": MixtureLaw(0.6, 0.05, 0.03, 0.4, 0.2, 0.05, 0.9, 1e6),
}
SHARES = (0.1, 0.3, 0.5, 0.75, 1.0)


def scores(law, shares=SHARES, noise=0.0, seed=0):
    tokens = np.linspace(1e5, 1e6, 10)
    at, share = (grid.ravel() for grid in np.meshgrid(tokens, np.array(shares)))
    drawn = np.random.default_rng(seed).normal(0.0, noise, len(at))
    return Points(at, share, law(at, share) * np.exp(drawn))


@pytest.mark.parametrize("true", TRUE.values(), ids=TRUE)
def test_the_law_predicts_shares_and_lengths_that_were_not_fitted(true):
    law = fit_mixture_law(scores(true))
    share, tokens = np.array([0.15, 0.4, 0.9] * 2), np.repeat([5e5, 4e6], 3)
    assert law(tokens, share) == pytest.approx(true(tokens, share), rel=0.003)


@pytest.mark.parametrize("true", TRUE.values(), ids=TRUE)
def test_with_noise_a_share_that_was_not_fitted_is_predicted_within_two_percent(true):
    law = fit_mixture_law(scores(true, noise=0.005))
    for share in (0.2, 0.62):
        assert float(law(1e6, share)) == pytest.approx(float(true(1e6, share)), rel=0.02)


def test_a_single_wild_score_hardly_moves_the_law():
    true = TRUE["learned"]
    points = scores(true)
    points.bits[17] *= 1.3
    assert fit_mixture_law(points)(points.tokens, points.share) == pytest.approx(
        true(points.tokens, points.share), rel=0.004
    )


def test_a_share_of_nothing_is_fitted_too():
    true = TRUE["kept"]
    shares = (0.0, 0.1, 0.25, 0.5, 0.75)
    law = fit_mixture_law(scores(true, shares))
    assert float(law(1e6, 0.0)) == pytest.approx(float(true(1e6, 0.0)), rel=0.003)


def test_the_gradient_of_the_loss_is_that_of_finite_differences():
    points = scores(TRUE["learned"], (0.0, 0.2, 0.6, 1.0), noise=0.002)
    loss = mixture_law._huber(points.tokens / 1e6, points.share, points.bits)
    for seed in range(3):
        at = np.random.default_rng(seed).uniform(-1.5, 0.3, 7)
        numeric = approx_fprime(at, lambda logs: loss(logs)[0], 1e-7)
        assert loss(at)[1] == pytest.approx(numeric, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("points", [scores(TRUE["kept"], (0.2, 0.8)), Points(*np.ones((3, 9)))])
def test_too_few_scores_or_shares_are_refused(points):
    with pytest.raises(ValueError, match="needs more points"):
        fit_mixture_law(points)


def test_each_share_between_the_others_is_predicted_without_it():
    errors = left_out_errors(scores(TRUE["learned"], noise=0.001))
    assert sorted(errors) == [0.3, 0.5, 0.75]
    assert max(map(abs, errors.values())) < 0.02
    assert left_out_errors(scores(TRUE["learned"], SHARES[:3])) == {}


def test_the_interval_holds_the_true_value_and_grows_with_the_noise():
    true, widths = TRUE["learned"], []
    for noise in (0.002, 0.01):
        points = scores(true, noise=noise, seed=3)
        laws = resampled_laws(points, fit_mixture_law(points), draws=40, seed=0)
        low, high = interval([float(law(1e6, 0.4)) for law in laws])
        assert low < float(true(1e6, 0.4)) * (1 + noise) and high > float(true(1e6, 0.4)) * (1 - noise)
        widths.append(high - low)
    assert widths[0] < widths[1]


def test_equal_scores_and_seeds_give_equal_laws():
    points = scores(TRUE["kept"], noise=0.01)
    one, other = (resampled_laws(points, fit_mixture_law(points), 3, seed=5) for _ in range(2))
    assert one == other


def test_a_change_that_rises_and_falls_is_fitted():
    tokens = np.linspace(1e4, 1e6, 15)
    true = 0.08 * (tokens / 1e6) ** 0.5 + 0.01 * (tokens / 1e6) ** -0.25 - 0.02
    curve = fit_change(tokens, true)
    assert curve(tokens) == pytest.approx(true, abs=1e-6)
    assert float(curve(2e6)) == pytest.approx(0.08 * 2**0.5 + 0.01 * 2**-0.25 - 0.02, abs=1e-4)
    with pytest.raises(ValueError, match="too few"):
        fit_change(tokens[:4], true[:4])


def test_the_critical_share_is_where_the_change_reaches_the_limit():
    changes = {share: 0.1 * share**2 for share in (0.25, 0.5, 0.75, 0.9, 1.0)}
    assert critical_share(changes, 0.05) == pytest.approx(0.5**0.5, abs=0.01)
    assert critical_share(changes, 1.0) == 1.0
    assert critical_share(changes, 0.001) is None


def test_noise_that_says_more_new_text_helps_the_base_language_is_leveled():
    assert critical_share({0.25: 0.01, 0.5: 0.06, 0.75: 0.04, 1.0: 0.2}, 0.05) == pytest.approx(
        0.44, abs=0.06
    )


def test_resampled_changes_surround_the_curve():
    tokens = np.linspace(1e4, 1e6, 15)
    change = 0.1 * (tokens / 1e6) ** 0.5 + np.random.default_rng(0).normal(0, 0.004, 15)
    curve = fit_change(tokens, change)
    drawn = resampled_changes({0.5: curve}, {0.5: (tokens, change)}, {0.5: 1e6}, 60, 0)
    low, high = interval([one[0.5] for one in drawn])
    assert low - 0.004 < 0.1 < high + 0.004 and high - low < 0.05
