"""Training factorized embedding matrices beside the full one: memory, speed, and bits per byte at equal time.

    python benchmarks/factor_training.py [--base stories15m] [--ranks 50 100 200] [--minutes 10]
    python benchmarks/factor_training.py --base smollm2 --ranks 100 200 400 --dtype bfloat16

A base is extended for Traditional Chinese once. Then each rank factorizes a copy of the result, so that only
the form of the matrices differs, and each is trained by `vocabx train` in a process of its own.

Time is that of the processor, on one thread, so that other work of the machine does not count: a few steps
give the seconds of one, and those the number of steps that fill `--minutes`. The full matrix trains its new
rows, the factors all of theirs; adapters are alike.
"""

import argparse
import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from bases import base_directory
from common import Result, finish, machine, new_parser, peak_memory_mb, run_script, run_worker, write_result
from stories15m import NAME as STORIES
from stories15m import stories15m
from texts import add_text_options
from training_runs import LANGUAGES, clear

from vocabx.checkpoint.factorised import factorise_checkpoint, form_of
from vocabx.checkpoint.hashing import table_hashes
from vocabx.checkpoint.manifest import composed_hashes, read_manifest, records_of
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.safetensors_file import read_header
from vocabx.commands.extend.options import ExtendOptions
from vocabx.commands.extend.run import extend
from vocabx.commands.train.options import TrainOptions
from vocabx.commands.train.run import train
from vocabx.progress import Quiet

FULL = "full"
# Steps of the run that gives the time of a step, the first of which are not timed.
_STEPS, _UNTIMED = 8, 2


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(
        __doc__, base=STORIES, new_tokens=2000, minutes=10.0, sequence_length=256, lora_rank=16,
        rows_learning_rate=1e-3, learning_rate=1e-3, balance=0.5, dtype="float32",
    )  # fmt: skip
    parser.add_argument("--ranks", nargs="+", type=int, default=[50, 100, 200])
    parser.add_argument("--scratch", type=Path, default=Path("runs/factor-training"))
    add_text_options(parser, "corpus", "base_text")
    options = parser.parse_args(arguments)
    name = f"factor-training-{Path(options.base).name}"
    dense = _extended(options)
    settings = {
        "sequence_length": options.sequence_length, "lora_rank": options.lora_rank,
        "rows_learning_rate": options.rows_learning_rate, "learning_rate": options.learning_rate,
        "dtype": options.dtype,
    }  # fmt: skip
    result: Result = {
        "machine": machine(), "base": options.base, "new tokens": options.new_tokens,
        "minutes of processor time": options.minutes, "settings": settings, "forms": {},
    }  # fmt: skip
    for rank in (None, *options.ranks):
        form, directory = (FULL, dense) if rank is None else _factorised(options, dense, rank)
        result["forms"][form] = _trained(options, directory, settings)
        # A run takes long: what is known is written down before the next.
        write_result(options.out, name, result)
    return finish(options.out, name, result)


def _extended(options: argparse.Namespace) -> Path:
    """The base with tokens for Traditional Chinese, dense."""
    base = stories15m() if options.base == STORIES else base_directory(options.base)
    directory: Path = options.scratch / "dense"
    clear(directory)
    extend(
        ExtendOptions(
            base=str(base), lang="zh-Hant", out=directory, new_tokens=options.new_tokens, evaluate=False,
            learn_bytes=2_000_000, adversarial=200, corpus=tuple(options.corpus),
            base_text=tuple(options.base_text),
        )
    )  # fmt: skip
    return directory


def _factorised(options: argparse.Namespace, dense: Path, rank: int) -> tuple[str, Path]:
    """A copy of the extension with its matrices factorized, as `extend --factorised` writes it."""
    directory: Path = options.scratch / f"rank-{rank}"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(dense, directory)
    base = read_checkpoint(stories15m() if options.base == STORIES else base_directory(options.base))
    made = factorise_checkpoint(directory, base, base.input.rows, rank, options.balance)
    written, manifest = read_checkpoint(directory), read_manifest(directory)
    assert manifest is not None
    assert manifest.initializer is not None
    msgspec.structs.replace(
        manifest,
        initializer=msgspec.structs.replace(manifest.initializer, **form_of(base, made)),
        tables=table_hashes(written),
        files=composed_hashes(directory),
        shards=records_of(written, [file.path.name for file in written.files], hashed=False),
    ).write(directory)
    return f"rank {rank}", directory


def _trained(options: argparse.Namespace, directory: Path, settings: dict[str, Any]) -> Result:
    """The figures of a form: its size, the cost of a step, and its scores after as many as fit."""
    checkpoint = read_checkpoint(directory)
    sizes = (
        file.tensors[name].shape
        for file in checkpoint.files
        for name in file.tensors
        if name in {table.name for table in checkpoint.tables} or name.endswith("primitives")
    )
    texts = {"corpus": tuple(options.corpus), "replay": tuple(options.base_text)}
    run = {"directory": str(directory), "out": str(options.scratch / "run"), "settings": settings | texts}
    brief = run_worker(__file__, {**run, "steps": _STEPS, "score": False}, {"OMP_NUM_THREADS": "1"})
    seconds = brief["seconds of a step"]
    found: Result = {
        "parameters of the matrices": sum(math.prod(shape) for shape in sizes),
        "trained parameters": brief["trained"],
        "peak memory (MiB)": brief["peak memory (MiB)"],
        "tokens per processor second": round(brief["tokens of a step"] / seconds, 1),
    }
    if options.minutes:
        steps = max(1, int(60 * options.minutes / seconds))
        done = run_worker(__file__, {**run, "steps": steps, "score": True}, {"OMP_NUM_THREADS": "1"})
        found |= {"steps": steps, "bits per byte": done["bits per byte"]}
    return found


class _Clock(Quiet):
    """The processor's seconds after each step."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def status(self, text: str) -> None:
        if text.startswith("step "):
            self.times.append(time.process_time())


def _elements(run: Path) -> int:
    """Number of trained parameters that a run wrote."""
    files = [read_header(path) for path in run.rglob("*.safetensors") if "checkpoints" not in path.parts]
    return sum(math.prod(entry.shape) for file in files for entry in file.tensors.values())


def worker(directory: str, out: str, settings: dict[str, Any], steps: int, score: bool) -> Result:
    """Train in this process, and give the processor's seconds, the memory and the scores."""
    clear(Path(out))
    clock = _Clock()
    trained = train(
        TrainOptions(
            directory=Path(directory), out=Path(out), method="lora", step_sequences=4,
            max_steps=steps, replay_share=0.25, evaluate_every=steps if score else 0, save_every=steps,
            heldout_bytes=6_000, text_bytes=4_000_000, **settings,
        ),
        clock,
    )  # fmt: skip
    record = trained.record
    assert record is not None
    return {
        "seconds of a step": (clock.times[-1] - clock.times[_UNTIMED - 1]) / (steps - _UNTIMED),
        "peak memory (MiB)": peak_memory_mb(),
        "trained": _elements(Path(out)),
        "tokens of a step": 4 * settings["sequence_length"],
        "bits per byte": {
            language: [round(getattr(one, name), 4) for one in record.measured]
            for name, language in LANGUAGES.items()
        },
    }


if __name__ == "__main__":
    run_script(main, worker)
