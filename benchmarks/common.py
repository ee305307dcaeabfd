"""What the benchmarks share: their options, processes, clocks and memory, and where their figures go."""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from vocabx._util.memory import peak_memory

RESULTS = Path(__file__).resolve().parent / "results"

Result = dict[str, Any]
T = TypeVar("T")


class WorkerError(RuntimeError):
    """A worker that failed; the message is the last line that it wrote to stderr."""


def new_parser(description: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """A parser with `--out`, and with an option for each of `defaults`, of its default's type.

    Args:
        description: the script's docstring, shown as it is.
        **defaults: values by the option's name, as `new_tokens=8000` for `--new-tokens`.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in defaults.items():
        flag = f"--{name.replace('_', '-')}"
        shown = value if isinstance(value, str) else f"{value:,}"
        parser.add_argument(flag, type=type(value), default=value, help=f"default: {shown}")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="directory of the JSON file; default: benchmarks/results"
    )
    return parser


def write_result(out: Path, name: str, result: Mapping[str, Any]) -> None:
    """Write `result` as NAME.json in the directory `out`."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False)
    (out / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def read_result(out: Path, name: str) -> Result:
    """What `write_result` wrote, empty where there is nothing yet."""
    path = out / f"{name}.json"
    found: Result = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def finish(out: Path, name: str, result: Result) -> Result:
    """Write `result`, print it and return it."""
    write_result(out, name, result)
    print(json.dumps(result, indent=2, ensure_ascii=False))
    return result


def worker_command(script: str, settings: Mapping[str, Any]) -> list[str]:
    """The command that runs the worker of a script, see `run_script`."""
    return [sys.executable, script, "--worker", json.dumps(settings)]


def run_worker(
    script: str,
    settings: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Result:
    """Run the worker of a script in a process of its own, and return what it found.

    Args:
        script: its path.
        settings: the worker's arguments by name, as JSON can hold them.
        environment: variables to set for it.
        timeout: seconds it may take.

    Raises:
        WorkerError: it failed.
        subprocess.TimeoutExpired: it took too long.
    """
    done = subprocess.run(
        worker_command(script, settings),
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise WorkerError(lines[-1] if lines else f"ended by signal {-done.returncode}")
    found: Result = json.loads(done.stdout.splitlines()[-1])
    return found


def run_script(main: Callable[[], Result], worker: Callable[..., Result] | None = None) -> None:
    """Run `main`, or the worker with the settings that `worker_command` put on the command line."""
    if worker is not None and sys.argv[1:2] == ["--worker"]:
        print(json.dumps(worker(**json.loads(sys.argv[2]))))
        return
    main()


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def rounded(seconds: Sequence[float], digits: int = 2) -> list[float]:
    """Seconds as they are recorded."""
    return [round(each, digits) for each in seconds]


def machine() -> str:
    """Processor count, system and Python, for the record."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def processor_seconds() -> float:
    """Of this process, and of those that it started and that have ended."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def peak_memory_mb() -> int:
    """The most memory that was resident of this process, in MiB; 0 where the system does not say."""
    return (peak_memory() or 0) >> 20
