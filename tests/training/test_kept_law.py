"""The law of a language that is replayed, fitted to scores of known laws."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from vocabx.training import kept_law
from vocabx.training.kept_law import KeptLaw, fit_kept_law, resampled_kept_laws
from vocabx.training.mixture_law import Points, fit_mixture_law, interval, left_out_errors

# Replay helps, and without it the language is forgotten.
TRUE = KeptLaw(0.95, 0.1, 0.2, 1.4, 0.05, 0.6, 1e6)
SHARES = (0.0, 0.25, 0.5, 0.75)


def scores(law=TRUE, shares=SHARES, noise=0.0, seed=0):
    tokens = np.linspace(5e4, 1e6, 12)
    at, share = (grid.ravel() for grid in np.meshgrid(tokens, np.array(shares)))
    drawn = np.random.default_rng(seed).normal(0.0, noise, len(at))
    return Points(at, share, law(at, share) * np.exp(drawn))


def fit(points):
    return fit_kept_law(points, TRUE.before)


def test_nothing_read_changes_nothing():
    assert float(TRUE(0.0, 0.3)) == TRUE.before
    assert float(TRUE(1e6, 0.0)) > TRUE.before > float(TRUE(1e6, 0.9))


def test_shares_and_lengths_that_were_not_fitted_are_predicted():
    law = fit(scores())
    share, tokens = np.array([0.1, 0.4, 0.6] * 2), np.repeat([5e5, 2e6], 3)
    assert law(tokens, share) == pytest.approx(TRUE(tokens, share), rel=0.003)


def test_a_share_that_was_left_out_is_predicted_within_two_percent_where_the_other_law_fails():
    points = scores(noise=0.004)
    assert max(map(abs, left_out_errors(points, fit).values())) < 0.02
    assert max(map(abs, left_out_errors(points, fit_mixture_law).values())) > 0.02


def test_the_gradient_of_the_loss_is_that_of_finite_differences():
    points = scores(noise=0.002)
    loss = kept_law._huber(points.tokens / 1e6, points.share, np.log(points.bits / TRUE.before))
    for seed in range(3):
        at = np.random.default_rng(seed).uniform(-2.0, 0.0, 5)
        numeric = approx_fprime(at, lambda logs: loss(logs)[0], 1e-7)
        assert loss(at)[1] == pytest.approx(numeric, rel=1e-3, abs=1e-2)


def test_the_interval_holds_the_true_value():
    points = scores(noise=0.003, seed=3)
    laws = resampled_kept_laws(points, fit(points), draws=40, seed=0)
    low, high = interval([float(law(1e6, 0.4)) for law in laws])
    true = float(TRUE(1e6, 0.4))
    assert low - 0.002 < true < high + 0.002 and high - low < 0.02


def test_too_few_scores_are_refused():
    with pytest.raises(ValueError, match="needs more points"):
        fit(scores(shares=(0.5,)))
