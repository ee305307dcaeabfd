"""Running the commands as a user does."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
from vocabx.cli.app import main


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str


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
        return Run(ended.value.code or 0, captured.out, captured.err)

    return run


@pytest.fixture
def start_vocabx():
    """Start the command line as a process of its own."""
    started = []

    def start(*arguments, **environment) -> subprocess.Popen:
        command = [sys.executable, "-c", "from vocabx.cli import main; main()", *map(str, arguments)]
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Shells start what runs in the background with SIGINT ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
