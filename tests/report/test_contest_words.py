"""What a contest is said to have shown."""

import pytest
from msgspec.structs import replace

from vocabx.report.contest_plot import contest_curves
from vocabx.report.contest_words import contest_sentences, duration, size
from vocabx.training.contest import Contest, Contestant, Equal, compare_contestants
from vocabx.training.forecast import Crossing
from vocabx.training.metrics import Measured
from vocabx.training.schedule import Schedule

_NBSP = "\u00a0"


def scores(bits, seconds, size):
    last = len(bits) - 1
    return tuple(
        Measured(10 * i, 1000 * i, value, 0.1, None, seconds * i / last, round(size * i / last))
        for i, value in enumerate(bits)
    )


EXTENDED = scores([2.5, 2.0, 1.8, 1.7, 1.65, 1.6], 600.0, 3_000_000)
BASE = scores([1.9, 1.8, 1.75, 1.72, 1.7, 1.65], 600.0, 1_500_000)


@pytest.fixture
def contest():
    schedule = Schedule(50, 0, 5, 10)
    return compare_contestants(Contestant(EXTENDED, schedule), Contestant(BASE, schedule), 2.0, 0)


def test_equal_time_compares_the_ends_and_equal_text_the_shorter_text(contest):
    assert contest.equal_time == Equal(600.0, 1.6, 1.65, True)
    # Half of the extended model's text: between its scores at 40 % and 60 %.
    assert contest.equal_text.at == 1_500_000
    assert contest.equal_text.extended == pytest.approx((1.8 + 1.7) / 2)
    assert contest.equal_text.base == 1.65
    assert not contest.equal_text.decayed


def test_the_sentences_say_ahead_and_behind(contest):
    tokens, time, text, *_ = contest_sentences(contest, "Chinese")
    assert (
        tokens == "The extended model needs 2.00 times fewer tokens for the same Chinese text than the base."
    )
    assert time == (
        f"After 10{_NBSP}minutes of training each: the extended model is ahead of the base left alone by "
        f"0.050 bits per byte, 3.0{_NBSP}% (1.600 and 1.650 bits per byte)."
    )
    assert (
        f"After 1.5{_NBSP}MB of text each: the extended model is behind the base left alone by 0.100" in text
    )
    assert text.endswith("with the learning rates of the longer run not decayed yet.")


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.001, "as many tokens for the same Chinese text as the base."),
        (0.5, "2.00 times more tokens for the same Chinese text than the base."),
    ],
)
def test_the_sentence_of_tokens_is_one_whatever_their_number(contest, ratio, said):
    tokens = contest_sentences(replace(contest, fewer_tokens=ratio), "Chinese")[0]
    assert tokens == f"The extended model needs {said}"


@pytest.mark.parametrize(
    ("crossing", "said"),
    [
        (
            Crossing("too_few", (4, 9)),
            "cannot be said: 4 scores lie between warmup and decay, and 5 are needed",
        ),
        (Crossing("extended_ahead", (9, 9)), "ahead throughout"),
        (
            Crossing("base_ahead", (9, 9)),
            "not catch up with the base left alone: the fitted curves do not cross within 10 times this run.",
        ),
        (
            Crossing("base_ahead", (9, 9), share=0.25),
            f"within 10 times this run (they do in 25{_NBSP}% of the bootstrap's draws)",
        ),
        (
            Crossing("extended_overtook", (9, 9), at=300.0, low=240.0, high=420.0, share=1.0),
            f"overtook the base left alone after about 5{_NBSP}minutes of training (90{_NBSP}% interval: "
            f"4{_NBSP}minutes to 7{_NBSP}minutes)",
        ),
        (
            Crossing("extended_overtakes", (9, 9), at=1800.0, low=1200.0, share=0.9),
            f"would overtake the base left alone after about 30{_NBSP}minutes of training, 3.0 times this "
            f"run (90{_NBSP}% interval: 20{_NBSP}minutes to beyond 10 times this run)",
        ),
        (
            Crossing("base_overtakes", (9, 9), at=1800.0, low=1200.0, high=2400.0, share=0.9),
            "The base left alone would overtake the extended model",
        ),
    ],
)
def test_each_crossing_has_its_sentence(contest, crossing, said):
    found = contest_sentences(replace(contest, crossing_time=crossing), "Chinese")[3]
    assert said in found
    assert found.endswith(".")


def test_another_load_of_the_machine_is_told(contest):
    assert contest.speed == 1.0
    assert len(contest_sentences(contest, "Chinese")) == 5
    for speed in (0.7, 1.8):
        *_, last = contest_sentences(replace(contest, speed=speed), "Chinese")
        assert f"{speed:.2f} times as fast" in last


def test_units_suit_their_amounts():
    assert [duration(one) for one in (12.3, 600, 20_000, 400_000)] == [
        f"12.3{_NBSP}seconds", f"10{_NBSP}minutes", f"5.56{_NBSP}hours", f"4.63{_NBSP}days",
    ]  # fmt: skip
    assert [size(one) for one in (12, 3400, 5_600_000, 7.8e9)] == [
        f"12{_NBSP}bytes", f"3.4{_NBSP}kB", f"5.6{_NBSP}MB", f"7.8{_NBSP}GB",
    ]  # fmt: skip


def test_the_plots_name_both_runs_and_their_units():
    time = contest_curves(EXTENDED, BASE, "trained_seconds", "Chinese")
    text = contest_curves(EXTENDED, BASE, "text_bytes", "Chinese")
    assert "minutes of training" in time
    assert "text read, MB" in text
    for plot in (time, text):
        assert "base left alone" in plot
        assert "extended" in plot


def test_a_contest_survives_its_file(contest):
    import msgspec

    assert msgspec.convert(contest.plain(), Contest) == contest
