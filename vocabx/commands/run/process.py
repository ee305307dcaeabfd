"""Runs the worker of a step, shows its progress, and hands on its result, its error or its end."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from vocabx._util.limited_process import signal_name, start_in_group
from vocabx.errors import RecipeError, VocabxError
from vocabx.progress import Advance, Progress

_WORKER = "vocabx.commands.run.worker"


class Refused(VocabxError):
    """A step was refused, in the words of its command."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.exit_code = code


def ask(
    request: Mapping[str, Any], root: Path, progress: Progress, held: int | None = None
) -> dict[str, Any]:
    """Have a worker do what a request says.

    Args:
        request: see `worker.py`.
        root: its working directory.
        progress: receives its stages.
        held: descriptor of a locked file, which stays locked until the worker has ended, even without us.

    Returns:
        What it answers, and whether it was `interrupted` and finished nevertheless.

    Raises:
        Refused: in the words of its command.
        RecipeError: it ended without an answer; why stands above, on standard error.
        KeyboardInterrupt: it was interrupted, after it saved what it could.
    """
    # In a group of its own: the keyboard's signal is ours to hand on, once.
    process = start_in_group(
        [sys.executable, "-m", _WORKER],
        root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None,
        held=() if held is None else (held,),
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        last, interrupted = _follow(process, progress)
    finally:
        # This stops a worker that has not ended, which may have more to say before it has saved its work.
        with suppress(BrokenPipeError):
            process.stdin.close()
        for _ in process.stdout:
            pass
        process.stdout.close()
        process.wait()
    if "done" in last:
        return {**last["done"], "interrupted": interrupted}
    if interrupted or "interrupted" in last:
        raise KeyboardInterrupt
    if "error" in last:
        raise Refused(last["error"], last["code"])
    raise RecipeError(_death(process.returncode))


def _follow(process: "subprocess.Popen[bytes]", progress: Progress) -> tuple[dict[str, Any], bool]:
    """Show progress until the last line, also after an interruption, which is handed on.

    Returns:
        The last line, and whether there was an interruption.
    """
    last: dict[str, Any] = {}
    interrupted = False
    with ExitStack() as stages:
        shown = _Shown(progress, stages)
        lines = _lines(process)
        while True:
            try:
                line = next(lines, None)
            except KeyboardInterrupt:
                interrupted = True
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
                # What was read of a line is lost with it.
                lines = _lines(process)
                continue
            if line is None:
                return last, interrupted
            if not shown.show(line):
                last = line


def _lines(process: "subprocess.Popen[bytes]") -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        with suppress(ValueError):
            yield json.loads(line)


class _Shown:
    """Shows on a Progress what lines tell of another one."""

    def __init__(self, progress: Progress, stages: ExitStack) -> None:
        self._progress, self._outer = progress, stages
        self._open: dict[int, tuple[ExitStack, Advance]] = {}

    def show(self, line: Mapping[str, Any]) -> bool:
        """Show a line; false for one that tells of something else."""
        if "stage" in line:
            stage = self._outer.enter_context(ExitStack())
            advance = stage.enter_context(self._progress.stage(line["stage"], line["total"], line["unit"]))
            self._open[line["of"]] = (stage, advance)
        elif "advance" in line:
            self._open[line["of"]][1](line["advance"])
        elif "end" in line:
            self._open.pop(line["end"])[0].close()
        elif "note" in line:
            self._progress.note(line["note"])
        elif "status" in line:
            self._progress.status(line["status"])
        else:
            return False
        return True


def _death(code: int) -> str:
    name = signal_name(code)
    if name:
        memory = ", as the system does when memory is short" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{memory}"
    return f"its process ended with exit code {code}: a bug, which standard error shows"
