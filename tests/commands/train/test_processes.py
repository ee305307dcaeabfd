"""Two processes, with DDP and with FSDP2, both on gloo: equal to one, also when killed and resumed."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import sharded_on_cpu
import torch
from safetensors.torch import load_file

from vocabx import TrainOptions, train
from vocabx.errors import TrainingError
from vocabx.training.metrics import read_metrics
from vocabx.training.run_checkpoints import complete_checkpoints

pytestmark = pytest.mark.slow
STEPS = 30
# Mistakes in communication hang, and do not fail.
SECONDS = 400
FSDP2 = {
    "ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP", "FSDP_TRANSFORMER_CLS_TO_WRAP": "LlamaDecoderLayer",
    "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT", "ACCELERATE_USE_CPU": "true",
}  # fmt: skip
WAYS = {"ddp": (("-m", "vocabx.training"), {}), "fsdp2": ((sharded_on_cpu.__file__,), FSDP2)}


@pytest.fixture(scope="module")
def settings(small_extended):
    """A function that returns the options of a run."""

    def options(out):
        texts = small_extended.texts
        return [
            str(small_extended(False)), "--method", "lora", "--dtype", "float32",
            "--corpus", str(texts / "zh.jsonl"), "--replay", str(texts / "en.txt"),
            "--sequence-length", "48", "--step-sequences", "4", "--max-steps", str(STEPS), "--lora-rank", "4",
            "--heldout-bytes", "1000", "--text-bytes", "20000", "--save-every", "3", "--evaluate-every", "0",
            "--rows-update", "all", "--out", str(out),
        ]  # fmt: skip

    return options


@pytest.fixture(scope="module")
def one(settings, tmp_path_factory):
    """The run of one process."""
    out = tmp_path_factory.mktemp("one") / "run"
    process = start([sys.executable, "-m", "vocabx.training", *settings(out)], {})
    finish(process)
    return out


def start(command, environment):
    return subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def start_two(way, settings):
    script, environment = WAYS[way]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return start([sys.executable, *launcher, *script, *settings], environment)


def kill(process):
    """Kill a launcher and what it launched, which leads sessions of its own."""
    launched = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    for one in launched:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate(timeout=60)


def finish(process):
    try:
        _, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    assert process.returncode == 0, err[-3000:]


def require_equal(found: Path, expected: Path) -> None:
    """That losses and trained parameters differ by no more than the order of additions explains."""
    losses = [
        {entry["step"]: entry["loss"] for entry in read_metrics(run) if "loss" in entry}
        for run in (found, expected)
    ]
    assert losses[0].keys() == losses[1].keys() == {*range(1, STEPS + 1)}
    assert [*losses[0].values()] == pytest.approx([*losses[1].values()], rel=1e-6)
    for name in ("rows.safetensors", "adapter/adapter_model.safetensors"):
        mine, theirs = load_file(found / name), load_file(expected / name)
        assert mine.keys() == theirs.keys()
        for key in mine:
            torch.testing.assert_close(mine[key], theirs[key], rtol=0, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_two_processes_train_what_one_does(settings, one, tmp_path, way):
    out = tmp_path / "two"
    finish(start_two(way, settings(out)))
    require_equal(out, one)


@pytest.mark.parametrize("way", WAYS)
def test_two_processes_that_were_killed_go_on_to_what_one_trains(settings, one, tmp_path, way):
    out = tmp_path / "two"
    process = start_two(way, settings(out))
    unfinished, deadline = tmp_path / "two.unfinished", time.monotonic() + SECONDS
    while len(complete_checkpoints(unfinished)) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    kill(process)
    if out.exists():
        pytest.fail("the run was over before it could be killed")
    finish(start_two(way, [*settings(out), "--resume"]))
    require_equal(out, one)


@pytest.mark.parametrize(
    ("version", "method", "says"),
    [("1", "lora", "set fsdp_version: 2"), ("2", "qlora", "4-bit layers is wrong under FSDP 2")],
)
def test_what_gives_wrong_results_under_fsdp_is_refused(
    small_extended, tmp_path, monkeypatch, version, method, says
):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setenv("FSDP_VERSION", version)
    with pytest.raises(TrainingError, match=says):
        train(TrainOptions(directory=small_extended(), out=tmp_path / "run", method=method))
