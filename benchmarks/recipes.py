"""A recipe killed at random moments against one that is left alone, and a second run with nothing changed.

    python benchmarks/recipes.py --recipe examples/recipe.toml --kills 20
    python benchmarks/recipes.py --recipe benchmarks/short_recipe/recipe.toml   # in half an hour

Both run in copies of the recipe's directory, under a temporary one, each step with one thread. A killed run
is started again; one that is finished before it could be killed is compared, and begins anew. At the end,
every file that the steps wrote is compared, without times, speeds, and documents that quote them.
"""

import json
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import new_parser, write_result

SIGNALS = (signal.SIGKILL, signal.SIGTERM)
# What of a JSON file tells of the run itself: times, speeds, and the sha256 of what holds them.
_OF_THE_RUN = {
    "vocabx.json": ("run",),
    "training.json": ("run",),
    "evaluation.json": ("seconds", "command", "models"),
}
_QUOTE_IT = ("README.md", "report.json", "report.html", "evaluation.html")


def lasting(steps: Path) -> dict[str, object]:
    """Every file that steps wrote, by name, without times and speeds, and without what quotes them.

    Args:
        steps: the directory of the steps' results.
    """
    found: dict[str, object] = {}
    places = [place for place in steps.iterdir() if place.is_dir()]
    for path in sorted(path for place in places for path in place.rglob("*")):
        name = str(path.relative_to(steps))
        if path.is_dir() or path.name in _QUOTE_IT:
            continue
        if path.name == "metrics.jsonl":
            found[name] = [_timeless(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
        elif path.name in _OF_THE_RUN:
            found[name] = _timeless_record(path)
        else:
            found[name] = path.read_bytes()
    return found


def _timeless_record(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for field in _OF_THE_RUN[path.name]:
        del content[field]
    if path.name == "training.json":
        content["measured"] = [_timeless(one) for one in content["measured"]]
        # Both directories have other names.
        del content["base"]["directory"]
    elif content.get("training"):
        # The sha256 of training.json, which holds times.
        del content["training"]["record"]
    return content


def _timeless(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if "second" not in name}


def start(recipe: Path) -> "subprocess.Popen[str]":
    """Start a run of a recipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "vocabx", "run", str(recipe), "--quiet"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(recipe: Path) -> tuple[float, float]:
    """Run a recipe to its end; returns its seconds, and those of the processor in its own process.

    Raises:
        RuntimeError: it failed.
    """
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = start(recipe)
    _, err = process.communicate()
    if process.returncode:
        raise RuntimeError(err)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def kill_at_random(
    recipe: Path, runs: Path, kills: int, took: float, expected: dict[str, object], seed: int = 21
) -> dict[str, Any]:
    """Kill a recipe again and again, and let it end.

    Args:
        recipe: the recipe.
        runs: the directory of everything that it writes.
        kills: how often to kill it.
        took: seconds of a whole run; it is killed after up to as many.
        expected: what `lasting` says of one that was left alone.
        seed: of the moments.

    Returns:
        The kills by signal, the runs that were finished first, and how many ends had other bytes.
    """
    moments, steps = random.Random(seed), runs / "steps"
    killed = dict.fromkeys((one.name for one in SIGNALS), 0)
    finished = different = 0
    while sum(killed.values()) < kills:
        process = start(recipe)
        try:
            _, err = process.communicate(timeout=moments.uniform(0, took))
        except subprocess.TimeoutExpired:
            number = SIGNALS[sum(killed.values()) % len(SIGNALS)]
            process.send_signal(number)
            process.communicate()
            killed[number.name] += 1
            continue
        if process.returncode:
            raise RuntimeError(err)
        finished += 1
        different += lasting(steps) != expected
        shutil.rmtree(runs)
    finish(recipe)
    different += lasting(steps) != expected
    return {"killed": killed, "finished_between": finished, "ends": finished + 1, "different": different}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Run the benchmark; returns what it writes to recipes.json."""
    parser = new_parser(__doc__, recipe="examples/recipe.toml", kills=20, runs="runs")
    chosen = parser.parse_args(arguments)
    given = Path(chosen.recipe).resolve()
    with tempfile.TemporaryDirectory(prefix="vocabx-recipes-") as made:
        whole, killed = (_copied(given, Path(made) / name) for name in ("whole", "killed"))
        took, _ = finish(whole)
        again, processor = finish(whole)
        runs = _runs_of(whole, chosen.runs)
        expected = lasting(runs / "steps")
        # The copy that will be killed has no runs yet; they will be where those of the other are.
        of_killed = killed.parent.parent / runs.relative_to(whole.parent.parent)
        found = kill_at_random(killed, of_killed, chosen.kills, took, expected)
    result = {
        "recipe": given.name,
        "machine": {"processor": platform.machine(), "cores": len(os.sched_getaffinity(0))},
        "seconds": round(took, 1),
        "again_seconds": round(again, 2),
        "again_processor_seconds": round(processor, 2),
        "files": len(expected),
        **found,
    }
    write_result(chosen.out, "recipes", result)
    return result


def _copied(recipe: Path, directory: Path) -> Path:
    """A copy of a recipe and of what lies beside it, one level deeper, so that ../runs is inside."""
    place = directory / "recipe"
    shutil.copytree(recipe.parent, place, ignore=shutil.ignore_patterns("runs", "*.ipynb", "__pycache__"))
    return place / recipe.name


def _runs_of(recipe: Path, name: str) -> Path:
    """The directory that a recipe writes to, beside it or above."""
    return next(path / name for path in (recipe.parent, recipe.parent.parent) if (path / name).is_dir())


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
