"""--max-minutes: the run fits its schedule to its own speed, ends complete, and is resumed exactly."""

import json
import os
import subprocess
import sys

import pytest
import torch
from ending import Ending
from safetensors.torch import load_file

from vocabx.errors import OutputError
from vocabx.progress import Quiet
from vocabx.training.metrics import read_metrics
from vocabx.training.record import read_record

# Some seconds: steps of the small model take about 0.02.
MINUTES = 0.06


@pytest.fixture
def timed_run(run_of):
    def run(name="run", **changes):
        given = {"max_steps": None, "epochs": 1000, "max_minutes": MINUTES, "evaluate_every": None}
        return run_of(name, **{**given, **changes})

    return run


class After(Quiet):
    """Ends a run two steps after something was said."""

    def __init__(self, said):
        self.said, self.left = said, None

    def note(self, text):
        if self.said in text:
            self.left = 2

    def status(self, text):
        if self.left is not None:
            self.left -= 1
            if not self.left:
                raise RuntimeError("the machine is gone")


def steps_of(metrics):
    return [entry for entry in metrics if "loss" in entry]


def test_a_run_ends_complete_when_its_time_is_over(timed_run):
    result = timed_run(decay=0.2)
    record, steps = result.record, steps_of(result.metrics)
    taken = [entry["seconds"] for entry in steps]
    assert result.finished
    assert record.schedule.steps == record.steps.steps == len(steps)
    assert [fit.steps for fit in record.fits][-1] == len(steps)
    assert record.measured[-1].trained_seconds == pytest.approx(sum(taken))
    # The decay was fitted when it began, so only its own steps can move the end.
    assert record.fits[-1].step == record.schedule.stable_end
    assert record.fits[-1].seconds == pytest.approx(sum(taken[: record.schedule.stable_end]))
    left = 60 * MINUTES - record.fits[-1].seconds
    assert record.schedule.decay == max(1, round(left / record.fits[-1].seconds_per_step))
    assert {one.step for one in record.measured} >= {0, len(steps)}
    assert steps[-1]["rates"]["rows"] < 0.2 * max(entry["rates"]["rows"] for entry in steps)


def test_scoring_and_saving_do_not_count(timed_run, monkeypatch):
    import time

    from vocabx.training.watch import Watch

    score = Watch.score

    def slow(self, model, processes):
        time.sleep(0.5)
        return score(self, model, processes)

    monkeypatch.setattr(Watch, "score", slow)
    record = timed_run().record
    assert len(record.measured) >= 10
    assert record.measured[-1].trained_seconds < len(record.measured) * 0.5


@pytest.mark.parametrize("when", ["measured", "stable", "decaying"])
def test_an_interrupted_run_is_resumed_by_the_recorded_schedule(timed_run, tmp_path, when):
    """Until its decay begins, the number of steps is that of the time left, on whatever machine goes on."""
    if when == "measured":
        assert timed_run("broken", stop_after=1e-6).step == 1
    else:
        said = {"stable": "seconds per step", "decaying": "The decay begins"}[when]
        with pytest.raises(RuntimeError, match="gone"):
            timed_run("broken", progress=After(said), save_every=1, decay=0.3)
    unfinished = tmp_path / "broken.unfinished"
    job = json.loads((unfinished / "job.json").read_text("utf-8"))
    assert len(job["fits"]) == {"measured": 0, "stable": 1, "decaying": 2}[when]
    before = {entry["step"]: entry for entry in steps_of(read_metrics(unfinished))}
    changes = {} if when == "measured" else {"decay": 0.3}
    resumed = timed_run("broken", resume=True, **changes)
    after = {entry["step"]: entry for entry in steps_of(resumed.metrics)}
    assert resumed.finished
    assert [after[step]["loss"] for step in before] == [before[step]["loss"] for step in before]
    assert [fit.plain() for fit in resumed.record.fits][: len(job["fits"])] == job["fits"]
    if when == "decaying":
        assert job["schedule"].items() <= resumed.record.schedule.plain().items()
        assert len(after) == job["schedule"]["steps"]


def test_the_rates_are_those_of_the_recorded_schedule(timed_run):
    result = timed_run(rows_first=0.2, learning_rate=1e-3, rows_learning_rate=2e-3)
    schedule = result.record.schedule
    for entry in steps_of(result.metrics):
        step = entry["step"] - 1
        assert entry["rates"]["rows"] == pytest.approx(2e-3 * schedule.of_rows(step))
        assert entry["rates"]["others"] == pytest.approx(1e-3 * schedule.of_others(step))


def test_the_optimizer_uses_the_recorded_rates(timed_run, monkeypatch):
    used = []
    whole = torch.optim.AdamW.step

    def step(self, *arguments, **settings):
        used.append([group["lr"] for group in self.param_groups])
        return whole(self, *arguments, **settings)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    result = timed_run()
    recorded = [[entry["rates"]["rows"], entry["rates"]["others"]] for entry in steps_of(result.metrics)]
    assert [pytest.approx(rates) for rates in recorded] == used


def test_the_smaller_of_steps_and_time_wins(timed_run):
    assert timed_run("steps", max_steps=12, max_minutes=60.0).record.steps.steps == 12
    assert timed_run("time", max_steps=10**6).record.steps.steps < 10**5


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_text_of_the_decay_begins_one_step_after_it(timed_run, monkeypatch, tmp_path, batch_size):
    """A batch of the first step of the decay is fetched before it is known to be one."""
    from vocabx.training.trainer import VocabularyTrainer

    path = tmp_path / "best.txt"
    path.write_text("\n\n".join("好" * (100 + number) for number in range(30)), encoding="utf-8")
    kinds = []
    plain = VocabularyTrainer.training_step

    def step(self, model, inputs, *given, **named):
        kinds.append(int(inputs["labels"].unique().numel()) < 8)
        return plain(self, model, inputs, *given, **named)

    monkeypatch.setattr(VocabularyTrainer, "training_step", step)
    # The steps end the run, on a machine of any speed.
    settings = {"max_steps": 20, "max_minutes": 60.0, "decay": 0.3, "decay_corpus": (str(path),)}
    result = timed_run(**settings, replay_share=0.0, batch_size=batch_size, decay_shape="exponential")
    schedule = result.record.schedule
    assert schedule.shape == "exponential" and schedule.decay == 6
    batches = 4 // batch_size
    own = [step for step in range(schedule.steps) if all(kinds[batches * step : batches * (step + 1)])]
    assert own == list(range(schedule.stable_end + 1, schedule.steps))
    rates = [entry["rates"]["rows"] for entry in steps_of(result.metrics)]
    assert rates[-1] < 0.01 * max(rates)


def test_another_time_is_another_run(timed_run):
    with pytest.raises(RuntimeError):
        timed_run("broken", progress=Ending(12), save_every=3)
    with pytest.raises(OutputError, match="was begun with another max_minutes"):
        timed_run("broken", resume=True, max_minutes=2.0)


def test_too_little_time_is_one_sentence_and_leaves_nothing(vocabx, small_extended, tmp_path):
    texts = small_extended.texts
    ran = vocabx(
        "train", small_extended(), "--method", "lora", "--dtype", "float32", "--corpus", texts / "zh.jsonl",
        "--replay", texts / "en.txt", "--sequence-length", 48, "--step-sequences", 4, "--heldout-bytes", 1000,
        "--save-every", 1, "--max-minutes", 0.0001, "--out", tmp_path / "short",
    )  # fmt: skip
    assert ran.code == 2
    # Before it come the held-out scores so far.
    assert "--max-minutes 0.0001 is too short: a step takes about" in ran.err.strip().splitlines()[-1]
    assert "Traceback" not in ran.err
    assert not list(tmp_path.glob("short*"))


def test_two_processes_fit_the_same_schedule_and_compete(small_extended, tmp_path):
    texts, out = small_extended.texts, tmp_path / "two"
    launched = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m",
            "vocabx.training", str(small_extended()), "--method", "lora", "--dtype", "float32", "--corpus",
            str(texts / "zh.jsonl"), "--replay", str(texts / "en.txt"), "--sequence-length", "48",
            "--step-sequences", "4", "--epochs", "1000", "--max-minutes", str(MINUTES), "--heldout-bytes",
            "1000",
            "--lora-rank", "4", "--contest", "--out", str(out), "--json",
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert launched.returncode == 0, launched.stderr[-2000:]
    record, alone = read_record(out), read_record(out / "base-alone")
    assert record.run.processes == alone.run.processes == 2
    assert json.loads(launched.stdout)["training"]["contest"]["steps"] == alone.steps.steps
    assert load_file(out / "adapter" / "adapter_model.safetensors")
