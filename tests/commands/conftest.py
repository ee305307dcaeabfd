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


# Options that may be given several times.
_LISTS = ("--corpus", "--base-text", "--decay-corpus", "--protect", "--replay", "--runtimes-at")


def overridden(arguments) -> list[str]:
    """Arguments without those that a later one replaces: tests share some and change one of them.

    The command line itself refuses an option that is given twice.
    """
    told = list(map(str, arguments))
    kept: list[str] = []
    for place, word in enumerate(told):
        later = told[place + 1 :]
        previous = told[place - 1] if place else ""
        name = previous if previous.startswith("--") and not word.startswith("--") else word
        opposite = name.replace("--no-", "--") if name.startswith("--no-") else name.replace("--", "--no-", 1)
        replaced = name.startswith("--") and name not in _LISTS and (name in later or opposite in later)
        if not replaced:
            kept.append(word)
    return kept


@pytest.fixture
def vocabx(monkeypatch, capsys):
    """Run the command line in this process."""

    def run(*arguments) -> Run:
        monkeypatch.setattr(sys, "argv", ["vocabx", *overridden(arguments)])
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
        command = [sys.executable, "-c", "from vocabx.cli import main; main()", *overridden(arguments)]
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
