"""Crossings of synthetic learning curves whose crossing is known."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from vocabx.training.forecast import Curve, fit_power_law, forecast_crossing

TIMES = np.linspace(60, 540, 9)


def curve(floor, size, exponent, offset, noise=0.0, seed=0):
    bits = floor + size * (TIMES + offset) ** -exponent
    return Curve(TIMES.tolist(), (bits + noise * np.random.default_rng(seed).normal(size=9)).tolist())


def known_crossing(floors, sizes, exponent, offset):
    """In closed form, where exponents and offsets are equal."""
    return ((sizes[0] - sizes[1]) / (floors[1] - floors[0])) ** (1 / exponent) - offset


@given(
    exponent=st.floats(0.2, 1.0), offset=st.floats(5.0, 100.0), place=st.floats(100.0, 1500.0),
    floor=st.floats(0.5, 1.5), apart=st.floats(0.05, 0.3), size=st.floats(2.0, 10.0),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_known_crossing_is_found(exponent, offset, place, floor, apart, size):
    # The extended model ends lower and begins higher.
    larger = size + apart * (place + offset) ** exponent
    assume(larger < 20 * size)
    known = known_crossing((floor, floor + apart), (larger, size), exponent, offset)
    assert known == pytest.approx(place, rel=1e-6)
    found = forecast_crossing(
        curve(floor, larger, exponent, offset), curve(floor + apart, size, exponent, offset), draws=0
    )
    assert found.verdict == ("extended_overtook" if place <= TIMES[-1] else "extended_overtakes")
    assert found.at == pytest.approx(place, rel=0.03 if place <= 1.5 * TIMES[-1] else 0.15)


@given(place=st.floats(150.0, 900.0), seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_curves_that_change_places_give_the_mirrored_answer(place, seed):
    larger = 4 + 0.2 * (place + 20) ** 0.5
    one, two = curve(1.0, larger, 0.5, 20, 0.002, seed), curve(1.2, 4, 0.5, 20, 0.002, seed + 1)
    found, mirrored = forecast_crossing(one, two, draws=0), forecast_crossing(two, one, draws=0)
    assert found.at == mirrored.at
    assert {found.verdict, mirrored.verdict} in (
        {"extended_overtook", "base_overtook"}, {"extended_overtakes", "base_overtakes"},
        {"extended_ahead", "base_ahead"},
    )  # fmt: skip


def test_the_interval_of_noisy_curves_mostly_holds_the_true_crossing():
    place, held = 400.0, 0
    larger = 4 + 0.2 * (place + 20) ** 0.5
    for seed in range(20):
        one = curve(1.0, larger, 0.5, 20, 0.004, 2 * seed)
        two = curve(1.2, 4, 0.5, 20, 0.004, 2 * seed + 1)
        found = forecast_crossing(one, two, draws=60, seed=seed)
        held += found.low is not None and found.low <= place <= (found.high or np.inf)
    assert held >= 14


def test_the_interval_holds_the_crossing_that_is_told():
    # Ten minutes of the demonstration: many draws do not cross, and the fit crosses before most that do.
    extended = Curve(
        (15, 31, 61, 121, 180, 240, 300, 361, 421),
        (1.9517, 1.9213, 1.8747, 1.844, 1.8022, 1.7669, 1.7512, 1.7266, 1.7072),
        (603, 1.6256),
    )
    base = Curve(
        (16, 32, 62, 121, 181, 242, 301, 361, 422),
        (2.0859, 1.9698, 1.9258, 1.8219, 1.7901, 1.7519, 1.7146, 1.7105, 1.6968),
        (602, 1.6296),
    )
    found = forecast_crossing(extended, base)
    assert found.at is not None and found.low is not None
    assert found.low <= found.at <= (found.high or np.inf)


def test_a_curve_that_stays_behind_does_not_cross():
    better, worse = curve(1.0, 3, 0.5, 20), curve(1.2, 5, 0.5, 20)
    assert forecast_crossing(worse, better).verdict == "base_ahead"
    ahead = forecast_crossing(better, worse)
    assert (ahead.verdict, ahead.at, ahead.share) == ("extended_ahead", None, 0.0)


def test_a_crossing_beyond_the_horizon_is_not_told():
    larger = 4 + 0.1 * (30 * 540.0) ** 0.5
    one, two = curve(1.0, larger, 0.5, 0.01), curve(1.1, 4, 0.5, 0.01)
    assert forecast_crossing(one, two, within=10, draws=0).verdict == "base_ahead"
    assert forecast_crossing(one, two, within=100, draws=0).verdict == "extended_overtakes"


def test_fewer_than_five_scores_say_nothing():
    few = Curve(TIMES[:4].tolist(), [2.0, 1.9, 1.8, 1.7])
    found = forecast_crossing(few, curve(1.0, 4, 0.5, 20))
    assert (found.verdict, found.points, found.at) == ("too_few", (4, 9), None)


def test_the_gain_of_the_decay_counts_for_both():
    one, two = curve(1.0, 8, 0.5, 20), curve(1.2, 4, 0.5, 20)
    assert forecast_crossing(one, two, draws=0).verdict == "extended_overtook"
    ends = [
        Curve(both.at, both.bits, (600.0, both.bits[-1] - gain)) for both, gain in ((one, 0.0), (two, 0.2))
    ]
    assert forecast_crossing(*ends, draws=0).verdict != "extended_overtook"
    law = fit_power_law(ends[1])
    assert float(law(np.array([600.0]))[0]) == pytest.approx(two.bits[-1] - 0.2)


def test_the_same_seed_gives_the_same_interval():
    one, two = curve(1.0, 9, 0.5, 20, 0.01, 1), curve(1.2, 4, 0.5, 20, 0.01, 2)
    assert forecast_crossing(one, two, seed=3) == forecast_crossing(one, two, seed=3)


def test_the_law_is_that_of_another_least_squares():
    scores = curve(1.1, 6, 0.6, 25, 0.003, 4)

    def law(at, floor, size, exponent, offset):
        return floor + size * (at + offset) ** -exponent

    bounds = ([0, 0, 0.05, 0.6], [3, 100, 2.0, 1600])
    other, _ = curve_fit(law, TIMES, scores.bits, p0=[1, 5, 0.5, 50], bounds=bounds, max_nfev=20_000)
    ours = fit_power_law(scores)(TIMES)
    errors = [float(np.sum((fit - scores.bits) ** 2)) for fit in (ours, law(TIMES, *other))]
    assert errors[0] <= 1.001 * errors[1]
    assert np.allclose(ours, law(TIMES, *other), atol=2e-3)


def test_a_rising_curve_is_fitted_by_a_constant():
    law = fit_power_law(Curve(TIMES.tolist(), np.linspace(1.0, 1.2, 9).tolist()))
    assert float(law(np.array([600.0]))[0]) == pytest.approx(1.1)
