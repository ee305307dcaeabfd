"""The loop of `vocabx train` beside that of an earlier build: tokens a second, memory, and the same losses.

    git worktree add EARLIER 958657a; python -m venv EARLIER/.venv
    EARLIER/.venv/bin/pip install -e 'EARLIER[all]'
    python benchmarks/training_loop.py DIR --earlier EARLIER/.venv/bin/python [--max-steps 24] [--runs 3]

DIR is an extension that both builds read. Both run the command line with the settings of `make demo-train`,
in turn, with one thread each. Steps alone are timed, by the clock of metrics.jsonl: the median without the
first two. Memory is the most that was resident of the whole process.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from common import Result, finish, machine, new_parser, run_script

NAME = "training-loop"
_UNTIMED = 2
# The earlier build has no `python -m vocabx`.
_CLI = "from vocabx.cli import main; main()"
_SETTINGS = (
    "--method", "lora", "--sequence-length", "512", "--step-sequences", "1", "--lora-rank", "16",
    "--learning-rate", "1e-3", "--rows-learning-rate", "2e-3", "--rows-first", "0", "--decay", "0.25",
    "--evaluate-every", "0",
)  # fmt: skip
# The earlier build knew no other way to move rows.
_AS_EARLIER = ("--rows-update", "all")


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, max_steps=24, runs=3, heldout_bytes=20_000)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--earlier", type=Path, help="the Python in whose environment an earlier build is")
    parser.add_argument("--corpus", nargs="+", default=[], metavar="PATH", help="default: the language's own")
    options = parser.parse_args(arguments)
    text = [part for path in options.corpus for part in ("--corpus", str(Path(path).resolve()))]
    common = [str(options.directory.resolve()), *_SETTINGS, "--max-steps", str(options.max_steps), *text]
    common += ["--heldout-bytes", str(options.heldout_bytes)]
    builds = {"this build": (sys.executable, [*common, *_AS_EARLIER])}
    if options.earlier:
        builds["earlier"] = (str(options.earlier.absolute()), common)
    runs: dict[str, list[Result]] = {name: [] for name in builds}
    for _ in range(options.runs):
        for name, (python, given) in builds.items():
            runs[name].append(_trained(python, given))
    best = {name: max(each, key=lambda run: float(run["tokens/s"])) for name, each in runs.items()}
    result: Result = {
        "machine": machine(),
        "directory": options.directory.name,
        "settings": " ".join(_SETTINGS),
        "steps": options.max_steps,
        "tokens/s of each run": {name: [run["tokens/s"] for run in each] for name, each in runs.items()},
        **{
            figure: {name: run[figure] for name, run in best.items()}
            for figure in ("tokens/s", "peak memory (MiB)")
        },
    }
    if options.earlier:
        ours, theirs = best["this build"], best["earlier"]
        result["over earlier"] = {
            figure: round(ours[figure] / theirs[figure], 3) for figure in ("tokens/s", "peak memory (MiB)")
        }
        pairs = list(zip(ours["losses"], theirs["losses"], strict=True))
        result["losses apart, relative, at most"] = round(max(abs(a - b) / b for a, b in pairs), 5)
        result["mean losses"] = [round(statistics.fmean(one), 4) for one in zip(*pairs, strict=True)]
    return finish(options.out, NAME, result)


def _trained(python: str, arguments: Sequence[str]) -> Result:
    """Train by the build of an environment, in a directory that is removed again."""
    with tempfile.TemporaryDirectory(prefix="vocabx-training-loop-") as scratch:
        out = Path(scratch) / "run"
        process = subprocess.Popen(
            [python, "-c", _CLI, "train", *arguments, "--out", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Not where another build would be imported from.
            cwd=scratch,
            env={**os.environ, "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"},
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{python} failed")
        lines = (out / "metrics.jsonl").read_text("utf-8").splitlines()
    steps = [entry for line in lines if "loss" in (entry := json.loads(line))]
    return {
        "tokens/s": round(statistics.median(entry["tokens_per_second"] for entry in steps[_UNTIMED:]), 1),
        # Linux counts in KiB.
        "peak memory (MiB)": usage.ru_maxrss >> 10,
        "losses": [entry["loss"] for entry in steps],
    }


if __name__ == "__main__":
    run_script(main)
