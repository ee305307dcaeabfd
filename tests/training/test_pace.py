"""A run with a time limit, simulated: steps take given seconds, and the schedule follows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocabx.errors import TrainingError
from vocabx.training.pace import Pace, TimeLimit

SHARES = {"rows_first": 0.05, "warmup": 0.02, "decay": 0.1}


def simulated(limit, seconds_of, start=None):
    """The pace after a run, and the learning rates that each step had."""
    pace = start or Pace(limit.opening, limit)
    rates, step = [], 0
    while step < pace.schedule.steps:
        rates.append((pace.schedule.of_rows(step), pace.schedule.of_others(step)))
        pace.took(seconds_of(step))
        step += 1
    return pace, rates


@given(
    seconds=st.floats(0.01, 50.0),
    steps=st.integers(30, 2000),
    shares=st.tuples(st.floats(0, 0.3), st.floats(0, 0.2), st.floats(0, 0.5)),
)
@settings(max_examples=60, deadline=None)
def test_a_run_of_constant_speed_ends_when_its_time_is_over(seconds, steps, shares):
    limit = TimeLimit(seconds * steps, 10**6, *shares)
    pace, _ = simulated(limit, lambda step: seconds)
    assert abs(pace.seconds - limit.seconds) <= 1.01 * seconds
    assert not pace.open
    assert pace.schedule.steps == pace.expected_steps
    assert abs(pace.schedule.decay - shares[2] * steps) <= 1.01


@given(
    slower=st.floats(0.3, 3.0),
    at=st.floats(0.1, 0.6),
    first=st.floats(1.0, 20.0),
)
@settings(max_examples=60, deadline=None)
def test_a_drift_of_the_speed_before_the_decay_does_not_move_the_end(slower, at, first):
    limit = TimeLimit(1000.0, 10**6, **SHARES)
    elapsed = 0.0

    def seconds_of(step):
        nonlocal elapsed
        taken = first if step == 0 else 1.0 if elapsed < at * 1000 else slower
        elapsed += taken
        return taken

    pace, _ = simulated(limit, seconds_of)
    assert abs(pace.seconds - limit.seconds) <= 2 * max(1, slower)


@given(
    seconds=st.lists(st.floats(0.8, 1.2), min_size=400, max_size=400),
    rows_first=st.sampled_from([0.0, 0.05, 0.2]),
    most=st.sampled_from([12, 60, 10**6]),
)
@settings(max_examples=40, deadline=None)
def test_the_rates_are_those_of_the_final_schedule_from_the_first_step_on(seconds, rows_first, most):
    limit = TimeLimit(200.0, most, rows_first, 0.05, 0.1)
    pace, rates = simulated(limit, lambda step: seconds[step % 400])
    final = pace.schedule
    assert rates == [(final.of_rows(step), final.of_others(step)) for step in range(final.steps)]
    rising = [final.of_rows(step) for step in range(final.stable_end)]
    assert rising == sorted(rising)
    assert rising[-1] == 1.0 or final.stable_end <= final.warmup + final.measured + 1
    falling = [final.of_rows(step) for step in range(final.stable_end, final.steps)]
    assert falling == sorted(falling, reverse=True)


def test_the_smaller_of_steps_and_time_ends_a_run():
    by_steps, _ = simulated(TimeLimit(1000.0, 60, **SHARES), lambda step: 1.0)
    by_time, _ = simulated(TimeLimit(40.0, 60, **SHARES), lambda step: 1.0)
    assert by_steps.schedule.steps == 60
    assert by_steps.schedule.decay == 6
    assert by_time.schedule.steps == 40
    assert by_time.schedule.decay == 4


@pytest.mark.parametrize("most", [1, 2, 3, 5, 11])
def test_few_steps_in_much_time_all_train(most):
    pace, rates = simulated(TimeLimit(1000.0, most, **SHARES), lambda step: 1.0)
    assert pace.schedule.steps == most
    assert len(rates) == most
    assert all(rows > 0 for rows, _ in rates)


@given(split=st.integers(1, 95))
@settings(max_examples=30, deadline=None)
def test_a_run_that_goes_on_from_any_step_has_the_schedule_of_an_uninterrupted_one(split):
    limit = TimeLimit(100.0, 10**6, **SHARES)
    times = [1.0 + 0.2 * (step % 3) for step in range(200)]
    whole, _ = simulated(limit, lambda step: times[step])
    first = Pace(limit.opening, limit)
    for seconds in times[: min(split, whole.schedule.steps - 1)]:
        first.took(seconds)
    again = Pace(first.schedule, limit, first.fits, times[: min(split, whole.schedule.steps - 1)])
    for step in range(min(split, whole.schedule.steps - 1), whole.schedule.steps):
        again.took(times[step])
    assert again.schedule == whole.schedule
    assert again.fits == whole.fits


@pytest.mark.parametrize(("minutes", "steps"), [(1.0, 2), (0.05, 6), (0.15, 6)])
def test_a_time_for_less_than_a_handful_of_steps_is_refused_early(minutes, steps):
    limit = TimeLimit(60 * minutes, 10**6, **SHARES)
    pace = Pace(limit.opening, limit)
    with pytest.raises(TrainingError, match=r"--max-minutes .* is too short: a step takes about") as refused:
        for _ in range(steps):
            pace.took(10.0 if minutes == 1.0 else 1.0)
    assert "\n" not in str(refused.value)


def test_held_out_text_is_scored_when_its_time_has_come_and_at_the_end():
    limit = TimeLimit(100.0, 10**6, **SHARES)
    pace, due = Pace(limit.opening, limit, marks=(10.5, 20.0, 20.5, 90.0)), []
    for step in range(1, 101):
        pace.took(1.0)
        if pace.score_is_due(step):
            due.append(step)
    assert due == [11, 20, 21, 90, 100]
