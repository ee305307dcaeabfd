"""Writes an extended checkpoint as the commands do, for tests that stop it in the middle.

    python write_once.py BASE OUT [--resume]

With STOP_AT=N in the environment the process kills itself, as kill -9 would, before its N-th call that
changes a file; with COUNT=1 it prints how many there are. With POINTS=N,M… it is killed at each of these in
turn, writing OUT-N, OUT-M …; if the target is then missing, it is resumed, each time in a process of its
own. It prints the exit status of each, and the files that the killed one left.
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from vocabx.checkpoint.grow import grow_checkpoint
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.staging import resumable
from vocabx.errors import OutputError
from vocabx.mixture.initialization import everywhere
from vocabx.mixture.mixture import from_rows

_EVENTS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link"}


def write(base: Path, out: Path, resume: bool, seed: int = 0) -> None:
    checkpoint = read_checkpoint(base)
    random = np.random.RandomState(seed)
    rows = [(random.randint(0, 100, 3).astype(np.int64), np.full(3, 1 / 3)) for _ in range(64)]
    initialization = everywhere(from_rows(rows, checkpoint.input.rows))
    with resumable(out, resume) as journal:
        (journal.directory / "tokenizer.json").write_text("{}")
        grow_checkpoint(checkpoint, initialization, journal.directory, range(0), journal=journal)
        (journal.directory / "vocabx.json").write_text("{}")


def stop_at(number: int) -> list[int]:
    """Count every call, and end this process at the one with that number; returns the count."""
    count = [0]

    def step() -> None:
        count[0] += 1
        if count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(function):
        def call(*arguments):
            step()
            return function(*arguments)

        return call

    for name in ("fsync", "copy_file_range"):
        setattr(os, name, counted(getattr(os, name)))

    def hook(event: str, arguments: tuple) -> None:
        written = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+")
        if event in _EVENTS or written:
            step()

    sys.addaudithook(hook)
    return count


def in_a_process(work, number: int) -> int:
    """Do some work in a fork of this process that is killed at a step; returns its exit status."""
    child = os.fork()
    if child == 0:
        stop_at(number)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_and_resume(base: Path, out: Path, point: int) -> dict:
    killed = in_a_process(lambda: write(base, out, False), point)
    unfinished = out.with_name(out.name + ".unfinished")
    left = sorted(path.name for path in unfinished.glob("*")) if unfinished.exists() else []
    resumed = 0 if out.exists() else in_a_process(lambda: write(base, out, True), -1)
    return {"point": point, "killed": killed, "left": left, "resumed": resumed}


if __name__ == "__main__":
    if "POINTS" in os.environ:
        prefix = sys.argv[2]
        points = [int(point) for point in os.environ["POINTS"].split(",")]
        ends = [kill_and_resume(Path(sys.argv[1]), Path(f"{prefix}-{point}"), point) for point in points]
        print(json.dumps(ends))
        sys.exit()
    counted = stop_at(int(os.environ.get("STOP_AT", -1)))
    try:
        write(Path(sys.argv[1]), Path(sys.argv[2]), "--resume" in sys.argv)
    except OutputError as error:
        sys.exit(str(error))
    if "COUNT" in os.environ:
        print(counted[0])
