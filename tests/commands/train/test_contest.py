"""The extended model against the base left alone: the same text for the same time, interrupted or not."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from vocabx import MergeOptions, merge
from vocabx.commands.merge.load_run import load_run
from vocabx.errors import BaseModelError, OptionError, OutputError
from vocabx.progress import Quiet
from vocabx.training.metrics import read_metrics
from vocabx.training.record import read_record


class Ending(Quiet):
    """Ends a run after a step of the base left alone."""

    def __init__(self, step):
        self.step, self.alone = step, False

    def note(self, text):
        self.alone |= text.startswith("The base left alone")

    def status(self, text):
        if self.alone and text.startswith(f"step {self.step}:"):
            raise RuntimeError("the machine is gone")


@pytest.fixture
def contest_of(run_of):
    def run(name="run", **changes):
        return run_of(name, **{"contest": True, "max_steps": 24, "evaluate_every": 3, **changes})

    return run


def base_of(small_extended, tied=True):
    extended = small_extended(tied)
    return extended.with_name(extended.name.removesuffix("-extended"))


def losses(directory):
    return {entry["step"]: entry["loss"] for entry in read_metrics(directory) if "loss" in entry}


def test_the_base_alone_trains_as_long_as_the_extended_model(contest_of, run_of):
    result = contest_of()
    record, alone = result.record, read_record(result.directory / "base-alone")
    steps = [entry for entry in read_metrics(result.directory / "base-alone") if "loss" in entry]
    # When its decay began, as many steps were fitted as the extended model's time left.
    fit, given = alone.fits[-1], record.measured[-1].trained_seconds
    left = max(0, round((given - fit.seconds) / fit.seconds_per_step))
    assert len(steps) == fit.steps
    assert abs(len(steps) - fit.step - left) <= 1
    assert record.contest.steps == alone.steps.steps == len(steps)
    assert record.contest.measured == alone.measured
    assert record.contest.fewer_tokens > 1
    if record.contest.equal_time.decayed:
        assert record.contest.equal_time.extended == record.measured[-1].target_bits
        assert record.contest.equal_time.base == alone.measured[-1].target_bits
    assert set(steps[0]["rates"]) == {"others"}
    for left in ("text", "job.json"):
        assert not (result.directory / "base-alone" / left).exists()
    assert losses(result.directory) == losses(run_of("without", max_steps=24).directory)


def test_ways_to_train_new_rows_do_not_concern_the_base_alone(contest_of):
    result = contest_of(composition=3, align_weight=2.0)
    alone = read_record(result.directory / "base-alone")
    assert (result.record.schedule.composition, result.record.schedule.align_weight) == (3, 2.0)
    assert (alone.schedule.composition, alone.schedule.align_weight) == (0, 0.0)
    first = next(entry for entry in read_metrics(result.directory / "base-alone") if "loss" in entry)
    assert set(first["rates"]) == {"others"}


def test_both_are_scored_at_the_same_times(contest_of):
    result = contest_of(max_steps=40)
    marks = [one.trained_seconds for one in result.record.measured[1:-1]]
    steps = [entry for entry in read_metrics(result.directory / "base-alone") if "loss" in entry]
    ends = torch.tensor([entry["seconds"] for entry in steps]).double().cumsum(0)
    expected = {int((ends < mark - 1e-9).sum()) + 1 for mark in marks if mark < ends[-1]}
    found = {one.step for one in result.record.contest.measured}
    assert found == expected | {0, len(steps)}


def test_bytes_of_text_are_counted_as_the_tokens_spell_them(contest_of):
    record = contest_of().record
    sizes = [one.text_bytes for one in record.measured]
    assert sizes == sorted(sizes)
    per_token = [one.measured[-1].text_bytes / one.measured[-1].tokens for one in (record, record.contest)]
    assert per_token[0] > per_token[1]


@pytest.mark.parametrize(
    ("tied", "method"), [(True, "lora"), (False, "lora"), (True, "qlora")], ids=["tied", "untied", "qlora"]
)
def test_the_base_alone_is_merged_into_a_checkpoint_of_its_size(
    contest_of, small_extended, tmp_path, tied, method
):
    result = contest_of(tied=tied, method=method, learning_rate=0.02)
    merged = merge(MergeOptions(directory=result.directory / "base-alone", out=tmp_path / "merged"))
    base = base_of(small_extended, tied)
    before, after = (AutoModelForCausalLM.from_pretrained(path) for path in (base, merged.directory))
    trained = load_run(result.directory / "base-alone")
    ids = torch.arange(60)[None]
    with torch.no_grad():
        assert torch.allclose(after(ids).logits, trained(ids).logits, atol=1e-4)
    name = "model.layers.0.self_attn.q_proj.weight"
    assert torch.equal(before.get_input_embeddings().weight, after.get_input_embeddings().weight)
    assert torch.equal(before.get_output_embeddings().weight, after.get_output_embeddings().weight)
    assert not torch.equal(before.state_dict()[name], after.state_dict()[name])
    assert (merged.directory / "training.json").is_file()


def test_a_contest_that_was_interrupted_is_resumed(contest_of, tmp_path):
    with pytest.raises(RuntimeError, match="gone") as error:
        contest_of("broken", max_steps=60, progress=Ending(7))
    assert "--resume continues it" in error.value.__notes__[0]
    unfinished = tmp_path / "broken.unfinished"
    extended, alone = losses(unfinished), losses(unfinished / "base-alone")
    assert len(extended) == 60
    resumed = contest_of("broken", max_steps=60, resume=True)
    assert losses(resumed.directory) == extended
    found = losses(resumed.directory / "base-alone")
    assert [found[step] for step in range(1, 8)] == [alone[step] for step in range(1, 8)]
    assert resumed.record.contest.steps == len(found)


def test_a_run_without_a_contest_gains_it_on_resume(run_of, contest_of):
    stopped = run_of("late", max_steps=24, stop_after=1e-6)
    assert not stopped.finished
    assert contest_of("late", resume=True).record.contest is not None


def test_a_finished_run_gains_a_contest_on_resume(run_of, contest_of, tmp_path):
    finished = run_of("late", max_steps=60)
    kept = {path: path.read_bytes() for path in finished.directory.rglob("*.safetensors")}
    with pytest.raises(OutputError, match="was begun with another learning_rate"):
        contest_of("late", max_steps=60, resume=True, learning_rate=0.5)
    assert not (tmp_path / "late.unfinished").exists()
    with pytest.raises(RuntimeError, match="gone"):
        contest_of("late", max_steps=60, resume=True, progress=Ending(7), save_every=2)
    assert not finished.directory.exists()
    result = contest_of("late", max_steps=60, resume=True)
    assert result.record.contest is not None
    assert result.record.files == finished.record.files
    assert all(path.read_bytes() == data for path, data in kept.items())
    with pytest.raises(OutputError, match="exists and is not empty"):
        contest_of("late", max_steps=60, resume=True)


def test_a_stop_during_the_part_of_the_base_is_told(contest_of, monkeypatch):
    from vocabx.commands.train import run

    whole = run.train_part

    def late(part, begun, source, deadline, processes, timed):
        return whole(
            part, begun, source, 0.0 if part.plan.options.rows_first == 0 else None, processes, timed
        )

    with monkeypatch.context() as patched:
        patched.setattr(run, "train_part", late)
        stopped = contest_of("stopped")
    assert not stopped.finished
    assert stopped.base_alone
    assert contest_of("stopped", resume=True).finished


def test_evaluate_shows_the_contest_of_a_merged_model(vocabx, contest_of, small_extended, tmp_path):
    result, texts = contest_of(evaluate_every=1), small_extended.texts
    merge(MergeOptions(directory=result.directory, out=tmp_path / "merged", compare=False))
    merge(MergeOptions(directory=result.directory / "base-alone", out=tmp_path / "alone", compare=False))
    ran = vocabx(
        "evaluate", tmp_path / "merged", tmp_path / "alone", small_extended(), result.directory,
        "--corpus", texts / "zh.jsonl", "--base-text", texts / "en.txt", "--samples", 0,
        "--heldout-bytes", 1000, "--out", tmp_path / "page",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    said = f"{result.record.contest.fewer_tokens:.2f} times fewer tokens"
    page = (tmp_path / "page" / "evaluation.html").read_text("utf-8")
    contests = json.loads((tmp_path / "page" / "evaluation.json").read_text("utf-8"))["contests"]
    assert [one["name"] for one in contests] == [str(tmp_path / "merged"), str(result.directory)]
    for shown in (ran.out, page, contests[0]["sentences"][0]):
        assert said in shown


def test_method_full_competes_with_the_whole_base(contest_of):
    result = contest_of(method="full", max_steps=6)
    assert (result.directory / "base-alone" / "trained.safetensors").is_file()
    assert not load_file(result.directory / "base-alone" / "trained.safetensors").keys() & {"new"}


def test_page_terminal_and_record_say_the_same(vocabx, small_extended, tmp_path):
    texts = small_extended.texts
    ran = vocabx(
        "train", small_extended(), "--method", "lora", "--dtype", "float32", "--corpus", texts / "zh.jsonl",
        "--replay", texts / "en.txt", "--sequence-length", 48, "--step-sequences", 4, "--max-steps", 12,
        "--heldout-bytes", 1000, "--lora-rank", 4, "--evaluate-every", 1, "--contest", "--out",
        tmp_path / "run",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert page.count("<svg") == 5
    contest = json.loads((tmp_path / "run" / "training.json").read_text("utf-8"))["contest"]
    assert f"{contest['fewer_tokens']:.2f} times fewer tokens" in page
    assert f"{contest['fewer_tokens']:.2f} times fewer tokens" in ran.out
    lead = abs(contest["equal_time"]["base"] - contest["equal_time"]["extended"])
    if lead >= 0.0005:
        assert f"by {lead:.3f} bits per byte" in ran.out
        assert f"by {lead:.3f} bits per byte" in page
    assert f"vocabx merge {tmp_path / 'run'}/base-alone --out {tmp_path / 'run'}-base-alone" in ran.out
    groups = json.loads((tmp_path / "run" / "training.json").read_text("utf-8"))["occurrences"]
    assert [group["least"] for group in groups] == [0, 1, 4, 16, 64]
    assert sum(group["tokens"] for group in groups) == 40
    assert "New tokens by how often they occurred" in page


def test_a_dry_run_says_that_a_contest_doubles_the_time(vocabx, small_extended):
    texts = small_extended.texts
    planned = (
        "train", small_extended(), "--corpus", texts / "zh.jsonl", "--replay", texts / "en.txt",
        "--max-steps", 12, "--contest", "--dry-run",
    )  # fmt: skip
    assert "this doubles the time" in vocabx(*planned).out
    plan = json.loads(vocabx(*planned, "--json").out)
    assert plan["contest_seconds"] == plan["estimated_seconds"]
    assert plan["estimated_seconds"] > plan["reading_seconds"] + plan["scoring_seconds"] > 0


def test_a_base_that_is_not_found_is_told_before_the_work(contest_of, small_extended, tmp_path):
    moved = tmp_path / "moved"
    base = base_of(small_extended)
    base.rename(moved)
    try:
        with pytest.raises(BaseModelError, match="which was not found"):
            contest_of("lost")
        assert not list(tmp_path.glob("lost*"))
        assert contest_of("found", base=str(moved), max_steps=6).record.contest is not None
    finally:
        moved.rename(base)
    other = shutil.copytree(base, tmp_path / "other-base")
    tensors = load_file(other / "model.safetensors")
    save_file(
        {name: tensor + 1 for name, tensor in tensors.items()}, other / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(BaseModelError, match="is not the base of"):
        contest_of("other", base=str(other))


def test_what_cannot_compete_is_refused(contest_of, run_of):
    with pytest.raises(OptionError, match="--method rows trains none of it"):
        contest_of(method="rows")
    with pytest.raises(OptionError, match="omit --evaluate-every 0"):
        contest_of(evaluate_every=0)
    with pytest.raises(OptionError, match="--base names the base for --contest"):
        run_of(base="somewhere")
