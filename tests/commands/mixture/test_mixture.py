"""`vocabx mixture` on a small model: normal runs, one for each share, that are kept and added to."""

import json

import pytest

from vocabx import MixtureOptions, fit_mixture
from vocabx.errors import OptionError, OutputError
from vocabx.training.record import read_record

SHARES = "0,0.2,0.4,0.6"


@pytest.fixture(scope="module")
def given(small_extended, tmp_path_factory):
    texts = small_extended.texts
    return {
        "directory": small_extended(), "out": tmp_path_factory.mktemp("study") / "study", "method": "lora",
        "dtype": "float32", "corpus": (str(texts / "zh.jsonl"),), "replay": (str(texts / "en.txt"),),
        "sequence_length": 48, "step_sequences": 2, "max_steps": 12, "heldout_bytes": 1000, "lora_rank": 4,
        "replay_shares": SHARES,
    }  # fmt: skip


@pytest.fixture(scope="module")
def study(given):
    return fit_mixture(MixtureOptions(**given)).study


def test_each_share_is_a_run_of_its_own_and_the_answers_are_written(study, given):
    out = given["out"]
    assert sorted(path.name for path in out.iterdir()) == [
        "mixture.html", "mixture.json", "replay-0", "replay-0.2", "replay-0.4", "replay-0.6",
    ]  # fmt: skip
    for run in study.runs:
        record = read_record(out / f"replay-{run.replay_share:g}")
        assert record.measured == run.measured
        assert record.text.replay_share == run.replay_share
        assert record.schedule.decay == 0
    written = json.loads((out / "mixture.json").read_text("utf-8"))
    assert written["kept"]["tokens"] == study.kept.tokens
    assert {one["replay_share"] for one in written["left_out"]} == {0.2, 0.4}
    assert "<svg" in (out / "mixture.html").read_text("utf-8")
    # All runs begin with the same scores.
    assert len({(run.measured[0].target_bits, run.measured[0].base_bits) for run in study.runs}) == 1


def test_finished_runs_are_kept_and_a_share_is_added(study, given):
    before = {path: path.stat().st_mtime_ns for path in given["out"].glob("replay-*/training.json")}
    more = fit_mixture(MixtureOptions(**given, check_share=0.3, resume=True)).study
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert [run.replay_share for run in more.runs] == [0, 0.2, 0.3, 0.4, 0.6]
    assert [one.replay_share for one in more.checked] == [0.3]
    assert more.target_law == study.target_law


def test_runs_of_other_options_and_a_study_that_is_there_are_refused(study, given):
    with pytest.raises(OutputError, match="was begun with another learning_rate"):
        fit_mixture(MixtureOptions(**given, learning_rate=0.5, resume=True))
    with pytest.raises(OutputError):
        fit_mixture(MixtureOptions(**given))


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ("0,0.5", "needs 4 shares or more, and --replay-shares has 2: pass 2 more"),
        ("", "has 0: pass 4 more"),
        ("0,0.1,0.2,1", "has '1': pass numbers from 0 and below 1"),
        ("0,0.1,0.2,some", "has 'some'"),
        ("0.1,0.1,0.1,0.1", "has 1: pass 3 more"),
    ],
)
def test_shares_that_no_law_can_be_fitted_to_are_one_sentence(shares, says):
    with pytest.raises(OptionError, match=says):
        MixtureOptions(replay_shares=shares)


def test_a_checked_share_is_not_fitted():
    with pytest.raises(OptionError, match="--check-share is one of --replay-shares"):
        MixtureOptions(check_share=0.25)


def test_a_dry_run_says_what_would_be_trained(vocabx, given, tmp_path):
    ran = vocabx(
        "mixture", given["directory"], "--corpus", given["corpus"][0], "--replay", given["replay"][0],
        "--check-share", "0.3", "--sequence-length", 48, "--out", tmp_path / "planned", "--dry-run", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    plan = json.loads(ran.out)
    assert plan["replay_shares"] == [0, 0.1, 0.25, 0.5, 0.75] and plan["runs"] == 6
    assert plan["estimated_seconds"] > 0 and plan["target_tokens"] > 0
    assert not (tmp_path / "planned").exists()
