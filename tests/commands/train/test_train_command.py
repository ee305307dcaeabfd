"""`vocabx train` from the command line: signals, several processes, the plan, bad input."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from vocabx import TrainOptions
from vocabx.commands.train import defaults, plan
from vocabx.training.metrics import read_metrics


@pytest.fixture(scope="module")
def extended(small_extended):
    return small_extended()


@pytest.fixture
def arguments(extended, small_extended, tmp_path):
    texts = small_extended.texts
    return [
        "train", extended, "--method", "lora", "--dtype", "float32", "--corpus", texts / "zh.jsonl",
        "--replay", texts / "en.txt", "--sequence-length", 48, "--step-sequences", 4, "--max-steps", 12,
        "--heldout-bytes", 1000, "--lora-rank", 4, "--save-every", 3, "--evaluate-every", 4,
    ]  # fmt: skip


def losses(directory):
    return {entry["step"]: entry["loss"] for entry in read_metrics(directory) if "loss" in entry}


@pytest.fixture(scope="module")
def measured():
    """What `whole` found, for the tests after the first one."""
    return {}


@pytest.fixture
def whole(vocabx, arguments, tmp_path, measured):
    """The losses of an uninterrupted run, by step."""
    if not measured:
        ran = vocabx(*arguments, "--out", tmp_path / "whole", "--json")
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["finished"]
        measured.update(losses(tmp_path / "whole"))
    return measured


def test_a_finished_run_prints_its_scores_and_the_next_command(vocabx, arguments, tmp_path):
    ran = vocabx(*arguments, "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    assert "bits per byte of held-out text" in ran.out
    assert f"vocabx merge {tmp_path / 'run'} --out {tmp_path / 'run'}-merged" in ran.out
    assert "is not known" in ran.out and "--resume --contest" in ran.out
    assert "step 12:" in ran.err
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_run_is_resumed_to_the_same_losses(start_vocabx, vocabx, arguments, tmp_path, whole, number):
    out = tmp_path / "killed"
    slow = [*arguments, "--out", out]
    process = start_vocabx(*slow)
    unfinished = tmp_path / "killed.unfinished"
    deadline = time.monotonic() + 120
    while len(losses(unfinished)) < 4 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    if out.exists():
        pytest.fail("the run was over before it could be killed")
    assert process.returncode == (130 if number == signal.SIGTERM else -signal.SIGKILL)
    if number == signal.SIGTERM:
        assert "--resume continues it" in err
        assert "Traceback" not in err
    assert vocabx(*slow, "--resume").code == 0
    assert losses(out) == whole


# Every way to train new rows that is not the default.
ROWS = ("--composition", "3", "--align-weight", "2")


@pytest.mark.parametrize("ways", [(), ROWS], ids=["plain", "rows"])
def test_two_processes_give_the_losses_of_one(vocabx, arguments, tmp_path, whole, ways):
    out = tmp_path / "two"
    if ways:
        one = tmp_path / "one"
        assert vocabx(*arguments, *ways, "--out", one).code == 0
        assert losses(one) != whole
        whole = losses(one)
    arguments = [*arguments, *ways]
    launched = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m",
            "vocabx.training", *map(str, arguments[1:]), "--out", str(out), "--json",
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert launched.returncode == 0, launched.stderr[-2000:]
    assert json.loads(launched.stdout)["finished"]
    assert json.loads((out / "training.json").read_text())["run"]["processes"] == 2
    found = losses(out)
    assert found.keys() == whole.keys()
    for step, loss in whole.items():
        assert abs(found[step] - loss) < 1e-4


def test_a_dry_run_prints_the_plan_and_writes_nothing(vocabx, arguments, tmp_path):
    ran = vocabx(*arguments, "--out", tmp_path / "planned", "--dry-run", "--json")
    assert ran.code == 0, ran.err
    plan = json.loads(ran.out)
    assert plan["steps"] == 12
    assert plan["tokens"] == 12 * 4 * 48
    assert set(plan["trained"]) == {"rows", "adapters"}
    assert set(plan["memory"]) == {"weights", "trained", "activations", "logits", "libraries"}
    assert plan["estimated_seconds"] > 0
    assert not list(tmp_path.glob("planned*"))
    shown = vocabx(*arguments, "--out", tmp_path / "planned", "--dry-run")
    assert "tokens/s" in shown.out


def test_less_memory_means_smaller_batches_for_the_same_step(vocabx, arguments, tmp_path):
    def planned(*more):
        return json.loads(vocabx(*arguments, "--dry-run", "--json", "--sequence-length", 512, *more).out)

    wide, narrow = planned(), planned("--max-memory", 1.01)
    assert wide["batch_size"] == 4
    assert narrow["batch_size"] < wide["batch_size"]
    assert narrow["batch_size"] * narrow["accumulation"] == 4


@pytest.mark.parametrize(
    ("native", "memory", "dtype"),
    [(False, True, "float32"), (False, False, "bfloat16"), (True, True, "bfloat16")],
)
def test_without_a_gpu_training_computes_in_the_dtype_that_the_processor_multiplies(
    monkeypatch, extended, native, memory, dtype
):
    monkeypatch.setattr(defaults, "computes_in_bfloat16", lambda: native)
    monkeypatch.setattr(defaults, "fits", lambda needed: memory)
    options = TrainOptions(directory=extended)
    assert plan.make_train_plan(options, "cpu", 1).method.dtype == dtype
    asked = TrainOptions(directory=extended, dtype="bfloat16")
    assert plan.make_train_plan(asked, "cpu", 1).method.dtype == "bfloat16"


BAD = {
    ("--method", "sft"): "--method is 'sft': pass auto, qlora, lora, rows or full",
    ("--replay-share", "1"): "--replay-share is 1: pass a number from 0 and below 1",
    ("--max-steps", "0"): "--max-steps is 0: pass a whole number of at least 1",
    ("--learning-rate", "nan"): "--learning-rate is nan: pass a number above 0",
    ("--dtype", "int8"): "pass bfloat16, float16 or float32",
    ("--dtype", "float16"): "--dtype float16 needs a GPU",
    ("--batch-size", "3"): "pass a divisor of",
    ("--max-memory", "0.5"): "training needs about",
    ("--method", "rows", "--lora-tables"): "--lora-tables needs adapters",
    ("--method", "full", "--composition", "8"): "with --method full none do",
    ("--lora-tables", "--align-weight", "1"): "with --lora-tables none do",
    ("--corpus", "nowhere.txt"): "no such text: nowhere.txt",
    ("--decay-corpus", "nowhere.txt"): "no such text: nowhere.txt",
    ("--subset", "most"): "--subset is 'most': pass auto, or a whole number of bytes of at least 1,000",
    ("--subset", "999"): "pass auto, or a whole number of bytes",
    ("--epochs", "0"): "--epochs is 0: pass a whole number of at least 1",
    ("--decay-half-life", "5"): "pass --decay-shape exponential, too",
    ("--decay-shape", "cosine"): "--decay-shape is 'cosine': pass linear or exponential",
    ("--decay-corpus", "x.txt", "--decay", "0"): "--decay is 0",
    ("--decay-replay-share", "0.5"): "beside --decay-corpus, which is missing",
    ("--decay-corpus", "x.txt", "--contest"): "omit it, or --decay-corpus",
    ("--report-to", "paper"): "--report-to supports trackio, wandb, tensorboard",
    ("--resume", "--branch-from", "x"): "pass one of them",
    ("--branch-from", "nowhere"): "nowhere holds no checkpoint from before its learning rates decayed",
}


@pytest.mark.parametrize("wrong", BAD, ids=" ".join)
def test_bad_input_is_one_line_and_writes_nothing(vocabx, arguments, tmp_path, wrong):
    ran = vocabx(*arguments, *wrong, "--out", tmp_path / "bad")
    assert ran.code == 2
    assert BAD[wrong] in ran.err
    assert ran.err.strip().count("\n") == 0
    assert not list(tmp_path.glob("bad*"))


def test_a_text_without_letters_is_refused(vocabx, arguments, tmp_path):
    (tmp_path / "numbers.txt").write_text("1 2 3\n" * 500)
    arguments[arguments.index("--corpus") + 1] = tmp_path / "numbers.txt"
    ran = vocabx(*arguments, "--out", tmp_path / "bad")
    assert ran.code == 2
    assert "letter" in ran.err


def test_a_checkpoint_that_was_changed_is_not_trained(vocabx, arguments, extended, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(extended, changed)
    path = changed / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    data[len(data) // 2] ^= 1
    manifest = json.loads((changed / "vocabx.json").read_text())
    manifest["tables"] = dict.fromkeys(manifest["tables"], "0" * 64)
    (changed / "vocabx.json").write_text(json.dumps(manifest))
    ran = vocabx("train", changed, *arguments[2:], "--out", tmp_path / "bad")
    assert ran.code == 2
    assert "differs from the one that vocabx.json recorded" in ran.err


def test_a_model_that_vocabx_did_not_write_is_refused(vocabx, arguments, extended, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(extended, other)
    (other / "vocabx.json").unlink()
    ran = vocabx("train", other, *arguments[2:], "--out", tmp_path / "bad")
    assert ran.code == 2
    assert "has no vocabx.json, which records the new rows" in ran.err


def test_a_missing_checkpoint_and_an_existing_output_are_refused(vocabx, arguments, tmp_path):
    assert "is not a directory" in vocabx("train", tmp_path / "nothing").err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    ran = vocabx(*arguments, "--out", tmp_path / "full")
    assert ran.code == 2
    assert "exists and is not empty" in ran.err
