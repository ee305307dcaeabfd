"""A step in a process of its own: `python -m vocabx.commands.run.worker`, started by `process.py`.

Its memory ends with it, nothing that an earlier step set in torch reaches it, and it may crash. The first
line of standard input is the request; when that ends, whoever asked is gone, and the step stops as on a
signal.
Standard output gets one JSON object a line: progress, then the result or the error.
"""

import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import IO, Any

from vocabx.commands.run.kinds import options_class
from vocabx.commands.run.plan_step import plan_step
from vocabx.commands.run.told import told
from vocabx.errors import VocabxError
from vocabx.progress import Advance

# Progress more often than this is not worth the writing.
_PAUSE = 0.1


class Piped:
    """A Progress that writes what it is told as lines of JSON."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._numbers, self._heard = stream, count(), True

    def say(self, **line: Any) -> None:
        """Write a line, for as long as somebody reads."""
        if not self._heard:
            return
        try:
            self._stream.write(json.dumps(line, ensure_ascii=True) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # What is to be saved is saved nevertheless.
            self._heard = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    @contextmanager
    def stage(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Advance]:
        """Tell of a stage, and how far it is."""
        number, waiting, last = next(self._numbers), 0.0, time.monotonic()

        def advance(amount: float) -> None:
            nonlocal waiting, last
            waiting += amount
            if time.monotonic() - last > _PAUSE:
                self.say(advance=float(waiting), of=number)
                waiting, last = 0.0, time.monotonic()

        self.say(stage=title, total=None if total is None else float(total), unit=unit, of=number)
        try:
            yield advance
            if waiting:
                self.say(advance=float(waiting), of=number)
        finally:
            self.say(end=number)

    def note(self, text: str) -> None:
        """Tell of a line that the user should see now."""
        self.say(note=text)

    def status(self, text: str) -> None:
        """Tell a few words about the current stage."""
        self.say(status=text)


def main() -> int:
    """Do what standard input asks for; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Whoever prints to the standard output must not be taken for us.
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    progress = Piped(stream)
    request = json.loads(_first_line())
    threading.Thread(target=_stop_when_alone, daemon=True).start()
    try:
        progress.say(done=_ANSWERS[request["ask"]](request, progress))
    except VocabxError as error:
        notes = getattr(error, "__notes__", ())
        progress.say(error="; ".join((str(error), *notes)), code=error.exit_code)
    except KeyboardInterrupt as error:
        progress.say(interrupted="; ".join(getattr(error, "__notes__", ())))
    except OSError as error:
        # As on the command line: what the system refuses is no bug.
        if error.strerror is None:
            raise
        name = "a file" if error.filename is None else os.fsdecode(error.filename)
        progress.say(error=f"{name} cannot be used: {error.strerror}", code=VocabxError.exit_code)
    finally:
        # Whoever asked may be gone before the interpreter is.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return 0


def _run(request: dict[str, Any], progress: Piped) -> dict[str, Any]:
    command = request["command"]
    function = getattr(import_module(f"vocabx.commands.{command}.run"), command)
    more = {"learned_at": Path(request["learned_at"])} if request["learned_at"] else {}
    result = function(options_class(command)(**request["options"]), progress, **more)
    if not getattr(result, "finished", True):
        return {"stopped": f"it stopped after step {result.step:,}, as stop_after says"}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"told": told(command, result).plain(), "memory": peak}


def _plan(request: dict[str, Any], progress: Piped) -> dict[str, Any]:
    return {"steps": [step.plain() for step in plan_step(request["steps"], progress)]}


_ANSWERS = {"run": _run, "plan": _plan}


def _first_line() -> bytes:
    line = b""
    # Not through a buffer, which a waiting thread would hold at the end of the process.
    while not line.endswith(b"\n"):
        block = os.read(0, 1)
        if not block:
            raise EOFError("no request")
        line += block
    return line


def _stop_when_alone() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
