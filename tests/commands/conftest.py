"""Fixtures that run the commands as a user does."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest
from vocabx.cli.app import main

from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train

# How a line of progress begins: the time since the command began.
_PROGRESS = re.compile(r"\d+:\d\d:\d\d  ")


@dataclass(frozen=True)
class Run:
    """How a command ended: `err` is what stderr says beside `progress`."""

    code: int
    out: str
    err: str
    progress: tuple[str, ...] = ()


def parted(err: str) -> tuple[str, tuple[str, ...]]:
    """The lines of stderr that are no progress, and those that are."""
    lines = err.splitlines(keepends=True)
    progress = tuple(line.strip() for line in lines if _PROGRESS.match(line))
    return "".join(line for line in lines if not _PROGRESS.match(line)), progress


@pytest.fixture
def vocabx(monkeypatch, capsys):
    """Run the command line in this process."""

    def run(*arguments) -> Run:
        monkeypatch.setattr(sys, "argv", ["vocabx", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        err, progress = parted(captured.err)
        return Run(ended.value.code or 0, captured.out, err, progress)

    return run


@pytest.fixture
def start_vocabx():
    """Start the command line in a process of its own."""
    started = []

    def start(*arguments, **environment) -> subprocess.Popen:
        command = [sys.executable, "-c", "from vocabx.cli import main; main()", *map(str, arguments)]
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Shells start background jobs with SIGINT ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def run_of(small_extended, tmp_path):
    """A function that trains a small checkpoint for 12 steps in float32; options can be overridden."""

    def run(name="run", *, tied=True, progress=None, **changes):
        options = options_of(small_extended, tmp_path / name, tied)
        return train(replace(options, **changes), progress)

    return run


@pytest.fixture(scope="session")
def whole_run(small_extended, tmp_path_factory):
    """The result of `run_of` without changes, for tests that only read it."""
    return train(options_of(small_extended, tmp_path_factory.mktemp("whole") / "run"))


def options_of(small_extended, out, tied=True) -> TrainOptions:
    return TrainOptions(
        directory=small_extended(tied),
        out=out,
        method="lora",
        dtype="float32",
        corpus=(str(small_extended.texts / "zh.jsonl"),),
        replay=(str(small_extended.texts / "en.txt"),),
        sequence_length=48,
        step_sequences=4,
        max_steps=12,
        heldout_bytes=1000,
        lora_rank=4,
        rows_first=0.2,
        warmup=0.2,
        save_every=3,
        evaluate_every=4,
    )
