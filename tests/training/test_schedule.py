import pytest

from vocabx.training.schedule import make_schedule


def test_adapters_start_after_the_steps_of_the_rows_alone():
    schedule = make_schedule(100, rows_first=0.1, warmup=0.05, decay=0.1)
    assert all(schedule.of_others(step) == 0 for step in range(10))
    assert all(schedule.of_rows(step) > 0 for step in range(10))
    assert schedule.of_others(10) > 0


def test_rates_warm_up_stay_and_decay_to_almost_zero():
    schedule = make_schedule(100, rows_first=0.0, warmup=0.1, decay=0.2)
    rates = [schedule.of_rows(step) for step in range(100)]
    assert rates[:11] == sorted(rates[:11])
    assert set(rates[10:80]) == {1.0}
    assert rates[79:] == sorted(rates[79:], reverse=True)
    assert 0 < rates[-1] < 0.06
    assert schedule.stable_end == 80


def test_a_longer_run_has_the_same_rates_until_the_shorter_one_decays():
    short = make_schedule(100, 0.1, 0.1, 0.1)
    long = make_schedule(200, 0.05, 0.05, 0.05)
    assert short.stable_end == 90
    for step in range(short.stable_end):
        assert short.of_rows(step) == long.of_rows(step)
        assert short.of_others(step) == long.of_others(step)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_runs_train_at_full_rate(steps):
    schedule = make_schedule(steps, 0.05, 0.02, 0.1)
    assert [schedule.of_others(step) for step in range(steps)] == [1.0] * steps


@pytest.mark.parametrize("half_life", [1, 5, 40])
def test_an_exponential_decay_halves_the_rates_every_half_life(half_life):
    schedule = make_schedule(200, 0.0, 0.1, 0.5, "exponential", half_life)
    whole = [schedule.of_rows(step) for step in range(200)]
    assert set(whole[20:100]) == {1.0}
    # MiniCPM: 0.5^((s - start) / T'), steps counted from 1.
    expected = [0.5 ** ((step + 1 - 100) / half_life) for step in range(100, 200)]
    assert whole[100:] == pytest.approx(expected, rel=1e-12)
    assert whole[100 + half_life] == pytest.approx(whole[100] / 2)


@pytest.mark.parametrize("steps", [10, 100, 5000])
def test_an_exponential_decay_ends_below_a_hundredth_whatever_its_length(steps):
    schedule = make_schedule(steps, 0.0, 0.0, 0.4, "exponential")
    assert 0 < schedule.of_others(steps - 1) < 0.01
    assert schedule.of_others(schedule.stable_end - 1) == 1.0


@pytest.mark.parametrize("shape", ["linear", "exponential"])
def test_without_a_decay_rates_stay_whatever_its_shape(shape):
    schedule = make_schedule(50, 0.0, 0.0, 0.0, shape)
    assert {schedule.of_rows(step) for step in range(50)} == {1.0}
