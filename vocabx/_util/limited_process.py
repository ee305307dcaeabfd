"""Processes in a group of their own, with limits: what they started ends with them.

This keeps accidents away (a crash, a hang, a flood of output, too much memory), not malice. How to talk to a
process is left to whoever starts it.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# Bytes of the end of an output that are kept, and characters of its last line that are told.
_KEPT, _LONGEST = 2_000, 300


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code; negative, the number of the signal that ended it.
        stopped: why we stopped it, in words, "" where we did not.
        last_line: the last line of its output that is not empty, "" where its output was not read.
    """

    code: int
    stopped: str = ""
    last_line: str = ""

    @property
    def how(self) -> str:
        """In words, "" for well."""
        if self.stopped or not self.code:
            return self.stopped
        name = signal_name(self.code)
        return f"died of {name}" if name else f"ended with exit code {self.code}"


def start_in_group(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str] | None = None,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int | None = subprocess.DEVNULL,
    held: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a process in a session and a group of its own, which the keyboard's signals do not reach.

    Args:
        command: the program and its arguments.
        directory: its working directory.
        environment: variables that differ from ours.
        stdin: see `subprocess.Popen`, as for the next two.
        stdout: see there.
        stderr: see there.
        held: descriptors that it inherits.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        list(command),
        cwd=directory,
        env={**os.environ, **(environment or {})},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        pass_fds=held,
    )


def run_limited(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    seconds: float,
    most_output: int | None = None,
) -> Ended:
    """Run a process without input until it ends, or until its time is up; then end what it started.

    Args:
        command: the program and its arguments.
        directory: its working directory.
        environment: variables that differ from ours.
        seconds: its time by the clock.
        most_output: bytes that it may print, to standard output and error together; None reads neither.

    Raises:
        OSError: it cannot be started.
    """
    stdout, stderr = (
        (subprocess.DEVNULL, subprocess.DEVNULL)
        if most_output is None
        else (subprocess.PIPE, subprocess.STDOUT)
    )
    process = start_in_group(command, directory, environment, stdout=stdout, stderr=stderr)
    output = None if most_output is None else _Output(process, most_output)
    late = False
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        _kill(process)
        process.wait()
        if output is not None:
            output.finish()
    stopped = f"took longer than {seconds:g} seconds" if late else ""
    if output is None:
        return Ended(process.returncode, stopped)
    return Ended(process.returncode, output.flooded or stopped, output.last_line)


def limit_this_process(memory: int, processor: int) -> None:
    """Limit the process that calls this, where the system can; beyond, SIGXCPU ends it, or it gets no memory.

    Args:
        memory: bytes.
        processor: seconds of processor time.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limits.
        return
    limits = {resource.RLIMIT_DATA: memory, resource.RLIMIT_CPU: processor, resource.RLIMIT_CORE: 0}
    for which, most in limits.items():
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, hard))


def signal_name(code: int) -> str:
    """The name of the signal that an exit code stands for, "" where it stands for none."""
    return signal.Signals(-code).name if code < 0 else ""


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _Output:
    """Reads what a process prints, keeps its end, and stops a process that prints without end."""

    def __init__(self, process: "subprocess.Popen[bytes]", most: int) -> None:
        assert process.stdout is not None
        self.flooded = ""
        self._kept, self._most = b"", most
        self._thread = threading.Thread(target=self._read, args=(process.stdout, process), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end of the output, which a process that escaped may hold open: not for long."""
        self._thread.join(5)

    @property
    def last_line(self) -> str:
        """The last line that is not empty."""
        lines = self._kept.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:_LONGEST] if lines else ""

    def _read(self, stream: IO[bytes], process: "subprocess.Popen[bytes]") -> None:
        total = 0
        with stream:
            while block := os.read(stream.fileno(), 1 << 16):
                total += len(block)
                self._kept = (self._kept + block)[-_KEPT:]
                if total > self._most and not self.flooded:
                    self.flooded = f"wrote more than {self._most // 1_000_000} MB to its output"
                    _kill(process)
