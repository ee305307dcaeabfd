"""What the benchmarks of training share: the settings of a run, and its figures."""

import argparse
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import TrainResult, train

LANGUAGES = {"target_bits": "zh-Hant", "base_bits": "English"}


def add_training_options(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    """Add options of `vocabx train` that have a default of their own, and those of text."""
    kinds = {"sequence_length": int, "step_sequences": int, "evaluate_every": int}
    for name, value in defaults.items():
        what = "as for vocabx train" if value is None else f"default: {value:,}"
        kind = kinds.get(name, type(value))
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=value, help=what)
    parser.add_argument("--method", default="lora", help="default: lora")
    for name in ("corpus", "replay"):
        parser.add_argument(
            f"--{name}", nargs="+", default=(), metavar="PATH", help="default: the demonstration's text"
        )


def settings_of(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """The settings `names` of a run, with its method and texts."""
    found = {name: getattr(options, name) for name in ("method", *names)}
    return {**found, "corpus": tuple(options.corpus), "replay": tuple(options.replay)}


def clear(directory: Path) -> None:
    """Remove a result, and what an earlier run left beside it."""
    for path in (directory, directory.with_name(directory.name + ".unfinished")):
        shutil.rmtree(path, ignore_errors=True)


def trained_figures(checkpoint: Path, out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Train `checkpoint` into `out`, and give the run in numbers."""
    clear(out)
    return figures(train(TrainOptions(directory=checkpoint, out=out, **settings)))


def figures(trained: TrainResult) -> dict[str, Any]:
    """A run in numbers: curves of held-out text, their relative change, speed, time."""
    record = trained.record
    assert record is not None
    steps = [entry for entry in trained.metrics if "loss" in entry]
    found: dict[str, Any] = {
        "new tokens": record.rows - record.first_id,
        "device": record.run.versions["device"],
        "tokens": record.steps.tokens,
        "tokens/s": statistics.median(entry["tokens_per_second"] for entry in steps),
        "seconds": record.run.seconds,
        "seconds of steps": round(sum(entry["seconds"] for entry in steps), 1),
        "sequences": record.text.sequences,
        "replay sequences": record.text.replay_sequences,
        "measured": record.text.measured or "held out of the replay",
        "bits per byte": {},
        "relative change": {},
    }
    for name, language in LANGUAGES.items():
        curve = [
            [entry.step, round(bits, 4)]
            for entry in record.measured
            if (bits := getattr(entry, name)) is not None
        ]
        if curve:
            found["bits per byte"][language] = curve
            found["relative change"][language] = round(curve[-1][1] / curve[0][1] - 1, 4)
    return found
