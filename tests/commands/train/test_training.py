"""Training runs on a small model: what trains and what stays, and how interrupted runs are resumed."""

import json
import re
import shutil

import pytest
import torch
from ending import Ending
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from vocabx import MergeOptions, merge
from vocabx.errors import OptionError, OutputError, TrainingError
from vocabx.progress import Quiet
from vocabx.training.metrics import read_metrics
from vocabx.training.run_checkpoints import complete_checkpoints


class Said(Quiet):
    """Keeps what is said of each step."""

    def __init__(self):
        self.statuses = []

    def status(self, text):
        self.statuses.append(text)


def losses(metrics):
    return {entry["step"]: entry["loss"] for entry in metrics if "loss" in entry}


def held_out(metrics):
    return {entry["step"]: entry["target_bits"] for entry in metrics if "target_bits" in entry}


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("method", ["lora", "rows"])
def test_only_the_new_rows_are_written(run_of, small_extended, tied, method):
    result = run_of(tied=tied, method=method, max_steps=4)
    rows = load_file(result.directory / "rows.safetensors")
    table = AutoModelForCausalLM.from_pretrained(small_extended(tied)).get_input_embeddings().weight
    first = result.record.first_id
    assert sorted(rows) == ["input"] if tied else ["input", "output"]
    assert rows["input"].shape == (len(table) - first, 32)
    assert not torch.equal(rows["input"], table[first:])
    assert (result.directory / "adapter").is_dir() == (method == "lora")


def test_rows_wait_for_their_tokens_and_padding_rows_train(run_of, small_extended, tmp_path):
    directory = tmp_path / "padded"
    shutil.copytree(small_extended(), directory)
    manifest = json.loads((directory / "vocabx.json").read_text("utf-8"))
    # As if the last two rows were padding.
    manifest["ranges"] = [
        {"first_id": 600, "count": 38, "source": "learned"}, {"first_id": 638, "count": 2, "source": "pad"},
    ]  # fmt: skip
    (directory / "vocabx.json").write_text(json.dumps(manifest), "utf-8")
    step = {"directory": directory, "max_steps": 1, "step_sequences": 1, "rows_first": 0.0}
    result = run_of("seen", **step)
    before = AutoModelForCausalLM.from_pretrained(directory).get_input_embeddings().weight[600:]
    moved = (load_file(result.directory / "rows.safetensors")["input"] != before).any(dim=1)
    assert moved[38:].all() and 0 < moved[:38].sum() < 38
    every = run_of("all", **step, rows_update="all")
    assert (load_file(every.directory / "rows.safetensors")["input"] != before).any(dim=1).all()


def test_training_lowers_the_loss_of_held_out_text(run_of):
    result = run_of(max_steps=40, rows_learning_rate=0.02, learning_rate=0.02)
    bits = held_out(result.metrics)
    assert bits[40] < 0.97 * bits[0]


def test_method_full_trains_all_weights(run_of, small_extended):
    result = run_of(method="full", max_steps=3)
    trained = load_file(result.directory / "trained.safetensors")
    before = AutoModelForCausalLM.from_pretrained(small_extended()).state_dict()
    names = [name.removeprefix("model.") if name not in before else name for name in trained]
    assert len(names) == len([name for name in before if name != "lm_head.weight"])
    changed = [name for name in trained if name in before and not torch.equal(trained[name], before[name])]
    assert len(changed) == len(trained)


def test_every_step_is_recorded_with_its_metrics(whole_run):
    result = whole_run
    steps = [entry for entry in result.metrics if "loss" in entry]
    assert [entry["step"] for entry in steps] == list(range(1, 13))
    # The first three of twelve steps train the rows alone, and the last rates are the lowest.
    assert [entry["rates"]["others"] == 0 for entry in steps] == [True] * 2 + [False] * 10
    assert steps[-1]["rates"]["rows"] < steps[-3]["rates"]["rows"]
    assert sorted(held_out(result.metrics)) == [0, 4, 8, 12]
    measured = [entry for entry in result.metrics if "target_bits" in entry]
    assert [scores.plain() for scores in result.record.measured] == measured
    assert "Chinese" in (result.directory / "report.html").read_text("utf-8")


@pytest.mark.parametrize("step", [1, 5, 12])
def test_an_interrupted_run_is_resumed_to_the_same_losses(run_of, whole_run, tmp_path, step):
    with pytest.raises(RuntimeError, match="gone") as error:
        run_of("broken", progress=Ending(step))
    assert step < 3 or "--resume continues it" in error.value.__notes__[0]
    assert not (tmp_path / "broken").exists()
    assert (tmp_path / "broken.unfinished").exists() == (step >= 3)
    resumed = run_of("broken", resume=True)
    assert losses(resumed.metrics) == losses(whole_run.metrics)
    assert held_out(resumed.metrics) == held_out(whole_run.metrics)
    assert resumed.record.files == whole_run.record.files


# Every way to train new rows that is not the default.
WAYS = {
    "composition": {"composition": 3},
    "align": {"align_weight": 2.0},
    "epsilon": {"rows_epsilon": 1e-4},
    "all rows": {"rows_update": "all"},
    "all": {"composition": 3, "align_weight": 2.0, "tied": False},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_train_rows_is_resumed_bit_for_bit(run_of, whole_run, way):
    whole = run_of("whole", **WAYS[way])
    assert losses(whole.metrics) != losses(whole_run.metrics)
    with pytest.raises(RuntimeError, match="gone"):
        run_of("broken", **WAYS[way], progress=Ending(5))
    resumed = run_of("broken", **WAYS[way], resume=True)
    assert losses(resumed.metrics) == losses(whole.metrics)
    assert resumed.record.files == whole.record.files
    rows = load_file(whole.directory / "rows.safetensors")
    assert sorted(rows) == (["input", "output"] if way == "all" else ["input"])
    schedule = whole.record.schedule
    assert schedule.composition == WAYS[way].get("composition", 0)
    assert schedule.align_weight == WAYS[way].get("align_weight", 0)
    assert schedule.rows_update == WAYS[way].get("rows_update", "seen")
    assert schedule.rows_epsilon == WAYS[way].get("rows_epsilon", 1e-8)


def test_a_resume_in_bfloat16_keeps_the_losses_to_a_thousandth(run_of):
    whole = run_of("whole", dtype="bfloat16")
    with pytest.raises(RuntimeError):
        run_of("broken", dtype="bfloat16", progress=Ending(7))
    resumed = run_of("broken", dtype="bfloat16", resume=True)
    for step, loss in losses(whole.metrics).items():
        assert abs(losses(resumed.metrics)[step] - loss) < 1e-3


def test_another_batch_size_gives_the_same_losses(run_of):
    one, four = run_of("one", batch_size=1), run_of("four", batch_size=4)
    for step, loss in losses(one.metrics).items():
        assert abs(losses(four.metrics)[step] - loss) < 1e-4


def test_gradient_checkpointing_gives_the_same_losses(run_of, whole_run):
    other = losses(run_of(gradient_checkpointing=True).metrics)
    for step, loss in losses(whole_run.metrics).items():
        assert abs(other[step] - loss) < 1e-5


def test_a_run_stopped_after_some_minutes_is_resumed(run_of, whole_run):
    stopped = run_of("timed", stop_after=1e-6)
    assert not stopped.finished
    assert stopped.step == 1
    assert stopped.record is None
    resumed = run_of("timed", resume=True)
    assert losses(resumed.metrics) == losses(whole_run.metrics)


def test_the_checkpoint_of_an_interruption_goes_when_the_run_has_gone_on(run_of):
    def kept(result):
        return {path.name for path in (result.directory / "checkpoints").iterdir()}

    whole = run_of("whole", keep=20)
    stopped = run_of("stopped", keep=20, stop_after=1e-6)
    assert (stopped.directory / "checkpoints" / "checkpoint-1").is_dir()
    assert kept(run_of("stopped", keep=20, resume=True)) == kept(whole)


def test_a_branch_starts_before_the_learning_rates_decay(run_of, tmp_path):
    short = run_of("short", decay=0.25)
    saved = [saved.step for saved in complete_checkpoints(tmp_path / "short")]
    assert 9 in saved
    longer = run_of(
        "longer", branch_from=str(tmp_path / "short"), max_steps=24, decay=0.125, rows_first=0.1, warmup=0.1
    )
    before, after = losses(short.metrics), losses(longer.metrics)
    assert [after[step] for step in range(1, 10)] == [before[step] for step in range(1, 10)]
    direct = losses(run_of("direct", max_steps=24, decay=0.125, rows_first=0.1, warmup=0.1).metrics)
    assert after == direct


def test_a_branch_goes_on_from_the_other_runs_checkpoint_and_not_from_the_beginning(run_of, tmp_path):
    run_of("short", decay=0.25)
    said = Said()
    longer = run_of("longer", branch_from=str(tmp_path / "short"), max_steps=14, progress=said)
    trained = [text.partition(":")[0] for text in said.statuses if text.startswith("step ")]
    assert trained == ["step 10", "step 11", "step 12", "step 13", "step 14"]
    speeds = r"\d bits per byte; [\d,]+ tokens/s, [\d,.]+ kB/s$"
    assert all(re.search(speeds, text) for text in said.statuses if text.startswith("step "))
    assert longer.metrics[-1]["tokens"] > 13 * 4 * 40


# Schedules of 24 and of 12 steps with the same first phases.
LONG = {"max_steps": 24, "rows_first": 0.1, "warmup": 0.1, "decay": 0.125}
SHORT = {"max_steps": 12, "rows_first": 0.2, "warmup": 0.2, "decay": 0.25}


def test_one_long_run_serves_shorter_budgets_from_its_stable_phase(run_of, tmp_path):
    long = run_of("long", **LONG, keep=100)
    branched = run_of("branched", **SHORT, branch_from=str(tmp_path / "long"))
    assert branched.metrics[:10] == long.metrics[:10]
    assert losses(branched.metrics) == losses(run_of("direct", **SHORT).metrics)


def test_a_branch_from_later_than_its_own_decay_is_refused(run_of, tmp_path):
    run_of("long", **LONG, keep=1)
    with pytest.raises(TrainingError, match=r"no checkpoint up to step 9, .* but one of step 21"):
        run_of("late", **SHORT, branch_from=str(tmp_path / "long"))
    assert not list(tmp_path.glob("late*"))


@pytest.fixture
def decay_corpus(tmp_path):
    """Text that is easily told apart."""
    path = tmp_path / "best.txt"
    path.write_text("\n\n".join("好中文書" * (20 + number) for number in range(30)), encoding="utf-8")
    return str(path)


def test_the_decay_reads_its_own_text_and_nothing_before_it_changes(run_of, whole_run, decay_corpus):
    stable, decay = 9, {"decay": 0.25, "decay_corpus": (decay_corpus,)}
    plain, other = run_of("plain", decay=0.25), run_of("other", **decay)
    before, after = losses(plain.metrics), losses(other.metrics)
    assert [after[step] for step in range(1, stable + 1)] == [before[step] for step in range(1, stable + 1)]
    assert all(after[step] != before[step] for step in range(stable + 1, 13))
    text = other.record.text
    assert text.decay_corpus == decay_corpus and text.decay_sequences > 0
    assert text.decay_replay_share == plain.record.text.replay_share == 0.25
    assert (plain.record.text.decay_corpus, plain.record.text.decay_sequences) == ("", 0)


@pytest.mark.parametrize("step", [5, 10])
def test_a_run_with_a_text_for_its_decay_is_resumed_bit_for_bit(run_of, decay_corpus, step):
    given = {
        "decay": 0.25, "decay_corpus": (decay_corpus,), "decay_replay_share": 0.5,
        "decay_shape": "exponential", "decay_half_life": 2,
    }  # fmt: skip
    whole = run_of("whole", **given)
    with pytest.raises(RuntimeError, match="gone"):
        run_of("broken", **given, progress=Ending(step))
    resumed = run_of("broken", **given, resume=True)
    assert losses(resumed.metrics) == losses(whole.metrics)
    assert resumed.record.files == whole.record.files
    rates = {entry["step"]: entry["rates"]["rows"] for entry in whole.metrics if "loss" in entry}
    assert [rates[step] / rates[9] for step in (10, 11, 12)] == pytest.approx([0.5**0.5, 0.5, 0.5**1.5])


def test_one_stable_phase_is_ended_with_several_texts(run_of, decay_corpus, tmp_path):
    run_of("short", decay=0.25)
    given = {"decay": 0.25, "decay_corpus": (decay_corpus,)}
    branched = run_of("branched", **given, branch_from=str(tmp_path / "short"))
    assert losses(branched.metrics) == losses(run_of("direct", **given).metrics)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"method": "rows"}, "was trained with --method lora, and not rows"),
        ({"method": "full"}, "was trained with --method lora, and not full"),
        ({"lora_rank": 8}, "was trained with --lora-rank 4, and not 8"),
        ({"composition": 3}, "was trained with --composition 0, and not 3"),
        ({"rows_update": "all"}, "was trained with --rows-update auto, and not all"),
        ({"lora_alpha": 3.0}, "was trained with --lora-alpha 8.0, and not 3.0"),
        ({"tied": False}, "trained another checkpoint than"),
    ],
)
def test_a_branch_of_a_run_that_trained_something_else_is_refused(run_of, whole_run, tmp_path, changes, says):
    with pytest.raises(TrainingError, match=says):
        run_of("other", branch_from=str(whole_run.directory), max_steps=24, **changes)
    assert not list(tmp_path.iterdir())


def test_a_resume_with_other_options_is_refused(run_of):
    with pytest.raises(RuntimeError):
        run_of("broken", progress=Ending(5))
    with pytest.raises(OutputError, match="was begun with another learning_rate"):
        run_of("broken", resume=True, learning_rate=0.5)
    with pytest.raises(OutputError, match="pass --resume to continue it"):
        run_of("broken")


def test_a_loss_of_nan_ends_the_run_and_keeps_complete_checkpoints(run_of, tmp_path):
    with pytest.raises(TrainingError, match="is NaN or Inf"):
        run_of(
            "wild", rows_learning_rate=1e30, learning_rate=1e30, max_grad_norm=1e30, warmup=0.9, save_every=1
        )
    left = complete_checkpoints(tmp_path / "wild.unfinished")
    for saved in left:
        for name, tensor in load_file(saved.directory / "trained.safetensors").items():
            assert torch.isfinite(tensor).all(), (saved.step, name)


def test_without_replay_the_base_language_is_still_measured(run_of):
    result = run_of(replay_share=0.0)
    assert result.record.text.replay == ""
    assert all("base_bits" in entry for entry in result.metrics if "target_bits" in entry)


def test_a_subset_is_passed_over_several_times_and_replay_goes_on(run_of, whole_run):
    result = run_of("best", subset="auto", quality=False, max_steps=24)
    text = result.record.text
    assert text.passes == pytest.approx(4, rel=0.35)
    assert "bytes of lowest perplexity by its own n-grams" in text.corpus
    assert text.heldout_bytes == whole_run.record.text.heldout_bytes
    assert result.metrics[0] == whole_run.metrics[0] | {"seconds": result.metrics[0]["seconds"]}
    large = run_of("large", subset="1000000", quality=False, max_steps=None, epochs=2)
    assert large.record.text.passes == pytest.approx(2, rel=0.1)


def test_a_run_over_a_subset_is_resumed_to_the_same_losses(run_of):
    whole = run_of("whole", subset="5000", quality=False, epochs=3)
    with pytest.raises(RuntimeError, match="gone"):
        run_of("broken", subset="5000", quality=False, epochs=3, progress=Ending(7))
    assert losses(run_of("broken", subset="5000", quality=False, epochs=3, resume=True).metrics) == losses(
        whole.metrics
    )


def test_a_size_that_no_length_of_the_run_decides_is_refused(run_of):
    with pytest.raises(OptionError, match="pass --max-steps or --max-minutes, too"):
        run_of("run", subset="auto", max_steps=None)


def test_another_text_is_measured_than_the_one_that_is_replayed(run_of, whole_run, tmp_path):
    path = tmp_path / "tales.txt"
    path.write_text("\n\n".join(f"Once upon a time there were {n} kings and queens." for n in range(99)))
    result = run_of("other", base_text=(str(path),))
    assert losses(result.metrics) == losses(whole_run.metrics)
    assert held_out(result.metrics) == held_out(whole_run.metrics)
    scores = [
        [entry["base_bits"] for entry in one.metrics if "base_bits" in entry] for one in (result, whole_run)
    ]
    assert all(one != other for one, other in zip(*scores, strict=True))
    assert result.record.text.measured == str(path)
    assert str(path) in (result.directory / "report.html").read_text("utf-8")
    assert "held out of the replay" in (whole_run.directory / "report.html").read_text("utf-8")


def test_adapters_on_the_embeddings_need_untied_embeddings(run_of):
    result = run_of(tied=False, lora_tables=True, max_steps=3)
    assert not (result.directory / "rows.safetensors").exists()
    config = json.loads((result.directory / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert {"lm_head", "model.embed_tokens"} <= set(config["target_modules"])
    with pytest.raises(TrainingError, match="omit --lora-tables"):
        run_of("other", tied=True, lora_tables=True)


def test_metrics_after_a_checkpoint_are_rewritten_on_resume(run_of, tmp_path):
    with pytest.raises(RuntimeError):
        run_of("broken", progress=Ending(5))
    assert max(entry["step"] for entry in read_metrics(tmp_path / "broken.unfinished")) == 5
    result = run_of("broken", resume=True)
    assert [entry["step"] for entry in result.metrics if "loss" in entry] == list(range(1, 13))


def test_running_out_of_memory_is_one_line_that_says_what_to_lower(run_of, monkeypatch):
    from vocabx.training.trainer import VocabularyTrainer

    def full(*arguments, **settings):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(VocabularyTrainer, "training_step", full)
    with pytest.raises(TrainingError, match="memory ran out: lower --batch-size"):
        run_of("full")


def test_other_trackers_see_losses_and_held_out_scores(run_of, monkeypatch):
    from transformers import TrainerCallback

    from vocabx.commands.train import loop

    seen = []

    class Tracker(TrainerCallback):
        def on_log(self, args, state, control, logs, **others):
            seen.append(dict(logs))

    made = loop._trainer

    def with_tracker(*arguments):
        trainer = made(*arguments)
        trainer.add_callback(Tracker())
        return trainer

    monkeypatch.setattr(loop, "_trainer", with_tracker)
    run_of()
    assert sum("loss" in logs for logs in seen) == 12
    assert sum("heldout_target_bits" in logs and "heldout_base_bits" in logs for logs in seen) == 4


def test_after_a_transfer_every_row_trains(run_of, small_extended, tmp_path):
    transferred = tmp_path / "transferred"
    shutil.copytree(small_extended(), transferred)
    manifest = json.loads((transferred / "vocabx.json").read_text("utf-8"))
    manifest["ranges"] = [{"first_id": 0, "count": manifest["sizes"]["tokens"], "source": "transferred"}]
    (transferred / "vocabx.json").write_text(json.dumps(manifest), "utf-8")
    for name in ("composition", "align_weight"):
        with pytest.raises(TrainingError, match="kept none of the base's tokens: omit it"):
            run_of("refused", directory=transferred, **{name: 3})
    result = run_of(directory=transferred, max_steps=3)
    rows = load_file(result.directory / "rows.safetensors")["input"]
    table = AutoModelForCausalLM.from_pretrained(transferred).get_input_embeddings().weight
    assert rows.shape == table.shape
    assert not torch.equal(rows[:600], table[:600])
    merged = merge(MergeOptions(directory=result.directory, out=tmp_path / "merged", compare=False))
    model = AutoModelForCausalLM.from_pretrained(merged.directory)
    assert torch.allclose(model.get_input_embeddings().weight, rows)


def test_equal_runs_write_equal_adapters_in_any_process(whole_run):
    config = json.loads((whole_run.directory / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert len(config["target_modules"]) == 14
    assert config["target_modules"] == sorted(config["target_modules"])
