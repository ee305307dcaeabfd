"""A checkpoint of the shape of Llama 2 7B (13.5 GB) extended by 27,264 tokens: time and memory.

    python benchmarks/large_checkpoint.py [--scratch DIR] [--only make extend …]

Random weights in three files, the real tokenizer of Llama 2, text from packages. Each command runs in a
process of its own, on files that are not in the system's cache where that can be emptied:

- `vocabx extend --init zip-tie`, the whole command, with its stages; then the same with --link;
- the work on weights alone (reading, initializing, writing until the disk has it, hashing), and in turn with
  it `cp -r` of the result on the same disk;
- `--dry-run` on the shape of Llama 2 70B by its headers alone;
- transformers: load, resize_token_embeddings to as many rows, save_pretrained.

Memory is the peak of resident memory less that of a bare interpreter. The disk needs 45 GB.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import (
    Result,
    finish,
    machine,
    new_parser,
    read_result,
    rounded,
    run_script,
    worker_command,
    write_result,
)
from llama_shapes import SHAPES, VOCABULARY, make_base
from measure_extension import add_adversarial_option
from texts import add_text_options

from vocabx.checkpoint.grow import grow_checkpoint, write_json
from vocabx.checkpoint.output import examine_base, record_weights
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.staging import resumable
from vocabx.initializers.inputs import InitializerInputs
from vocabx.initializers.registry import find_initializer
from vocabx.progress import Quiet

NAME = "large-checkpoint"
INITIALIZER = "zip-tie"
STEPS = ("make", "extend", "cp", "link", "plan", "transformers-random", "transformers")
# What of a run is about weights; the rest reads text, learns tokens and proves the tokenizer.
WEIGHT_STAGES = (
    "Checking the base's embeddings",
    f"Initializing embeddings by {INITIALIZER}",
    "Writing the checkpoint",
    "Hashing",
)


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, new_tokens=27_264, runs=3)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/large-checkpoint"))
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS, metavar="STEP")
    parser.add_argument("--shape", choices=SHAPES, default="7B", help="that is extended; default: 7B")
    parser.add_argument("--plan-shape", choices=SHAPES, default="70B", help="of --dry-run; default: 70B")
    parser.add_argument(
        "--cold-cache",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="empty the system's cache of files before each command, which needs root; default: yes",
    )
    add_adversarial_option(parser)
    add_text_options(parser, "corpus", "base_text")
    options = parser.parse_args(arguments)
    bench = Bench(options)
    result = read_result(options.out, NAME)
    result |= {"machine": machine(), "new tokens": options.new_tokens}
    work: dict[str, tuple[str, Callable[[], Any]]] = {
        "base bytes": ("make", lambda: make_base(bench.base, SHAPES[options.shape])),
        "vocabx": ("extend", lambda: bench.extended("--resume")),
        "result bytes": ("extend", lambda: sum(path.stat().st_size for path in bench.target.iterdir())),
        "weights alone": ("cp", bench.weights_alone),
        "vocabx --link": ("link", lambda: bench.extended("--link")),
        f"{options.plan_shape} --dry-run": ("plan", bench.planned),
        "transformers, random rows": ("transformers-random", lambda: bench.resized(mean=False)),
        "transformers": ("transformers", lambda: bench.resized(mean=True)),
    }
    for name, (step, do) in work.items():
        if step in options.only:
            result[name] = do()
            # Steps take long: what is known is written down before the next.
            write_result(options.out, NAME, result)
    return finish(options.out, NAME, result)


@dataclass(frozen=True)
class Bench:
    """The commands that are measured, with what they share."""

    options: argparse.Namespace

    @property
    def base(self) -> Path:
        """The checkpoint that is extended."""
        return Path(self.options.scratch / "base")

    @property
    def target(self) -> Path:
        """Where results go, one after the other."""
        return Path(self.options.scratch / "extended")

    def extended(self, *more: str) -> Result:
        """The whole command."""
        shutil.rmtree(self.target, ignore_errors=True)
        found = self.beyond_interpreter(
            [
                *self.extend_command(self.base, self.target), "--new-tokens", str(self.options.new_tokens),
                "--init", INITIALIZER, "--no-evaluate", "--adversarial", str(self.options.adversarial), *more,
            ]
        )  # fmt: skip
        manifest = json.loads((self.target / "vocabx.json").read_text(encoding="utf-8"))
        stages: dict[str, float] = manifest["run"]["seconds"]
        if missing := [name for name in WEIGHT_STAGES if name not in stages]:
            raise SystemExit(
                f"extend has no stage {missing[0]!r}: correct WEIGHT_STAGES in {Path(__file__).name}"
            )
        return {
            "seconds": round(found["seconds"], 2),
            "seconds of weights": round(sum(stages[name] for name in WEIGHT_STAGES), 1),
            "MB beyond the interpreter": found["MB beyond the interpreter"],
            "rows": manifest["sizes"]["rows"],
            "stages": {name: round(seconds, 1) for name, seconds in stages.items()},
        }

    def weights_alone(self) -> Result:
        """The work on weights and `cp -r` of its result, in turn, for the disk's speed changes."""
        ours: list[float] = []
        peer: list[float] = []
        synced: list[float] = []
        settings = {
            "base": str(self.base),
            "out": str(self.target),
            "new_tokens": self.options.new_tokens,
        }
        for _ in range(self.options.runs):
            shutil.rmtree(self.target, ignore_errors=True)
            ours.append(self.measured(worker_command(__file__, settings))["seconds"])
            copy = self.target.with_name("copy")
            peer.append(self.measured(["cp", "-r", str(self.target), str(copy)])["seconds"])
            start = time.perf_counter()
            subprocess.run(["sync", "-f", str(copy)], check=True)
            synced.append(peer[-1] + time.perf_counter() - start)
            shutil.rmtree(copy)
        return {
            "vocabx seconds": rounded(ours),
            "cp -r seconds": rounded(peer),
            "cp -r seconds until the disk has it": rounded(synced),
            "vocabx over cp -r": round(statistics.median(ours) / statistics.median(peer), 2),
        }

    def planned(self) -> Result:
        """The plan for weights of which only the headers are there: the best of some, the cache warm."""
        base = self.options.scratch / f"llama-{self.options.plan_shape}"
        size = make_base(base, SHAPES[self.options.plan_shape], empty=True)
        command = [*self.extend_command(base, base.with_name("never")), "--dry-run"]
        seconds = []
        for _ in range(self.options.runs):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
        shutil.rmtree(base)
        return {"base bytes": size, "seconds": round(min(seconds), 2)}

    def resized(self, mean: bool) -> Result:
        """The peer's way: with rows drawn around the mean, as is its default, or with random rows."""
        shutil.rmtree(self.target, ignore_errors=True)
        rows = VOCABULARY + self.options.new_tokens
        drawn = "yes" if mean else "no"
        found = self.beyond_interpreter(
            [sys.executable, "-c", TRANSFORMERS, str(self.base), str(self.target), str(rows), drawn]
        )
        shutil.rmtree(self.target, ignore_errors=True)
        return {
            "seconds": round(found["seconds"], 2),
            "MB beyond the interpreter": found["MB beyond the interpreter"],
            "stages": json.loads(found["out"].splitlines()[-1]),
        }

    def extend_command(self, base: Path, target: Path) -> list[str]:
        """`vocabx extend` for Traditional Chinese, from the text that was asked for."""
        texts = [
            part
            for flag, paths in (("--corpus", self.options.corpus), ("--base-text", self.options.base_text))
            for path in paths
            for part in (flag, path)
        ]
        start = [sys.executable, "-c", "from vocabx.cli import main; main()", "extend"]
        return [*start, "--base", str(base), "--lang", "zh-Hant", "--out", str(target), *texts]

    def beyond_interpreter(self, command: list[str]) -> Result:
        """`measured`, with memory beyond that of a bare interpreter."""
        found = self.measured(command)
        bare = measured([sys.executable, "-c", "pass"])["peak MB"]
        return {**found, "MB beyond the interpreter": round(found["peak MB"] - bare)}

    def measured(self, command: list[str]) -> Result:
        """`measured`, on a cold cache unless a warm one was asked for."""
        if self.options.cold_cache:
            subprocess.run(["sync"], check=True)
            try:
                Path("/proc/sys/vm/drop_caches").write_text("3")
            except OSError:
                print("the system's cache stays as it is: that needs root", file=sys.stderr)
        return measured(command)


def work_on_weights(base: str, out: str, new_tokens: int) -> Result:
    """What `extend` does between the tokenizer and the report, for as many random tokens."""
    checkpoint = read_checkpoint(Path(base))
    tables = examine_base(checkpoint, checkpoint.input.rows, Quiet())
    random = np.random.RandomState(0)
    lengths = random.randint(1, 7, new_tokens)
    pieces = tuple(tuple(random.randint(3, VOCABULARY, length).tolist()) for length in lengths)
    inputs = InitializerInputs(tokens=(b"",) * new_tokens, pieces=pieces, old_rows=VOCABULARY, seed=0)
    initialization = find_initializer(INITIALIZER)(inputs)
    with resumable(Path(out)) as journal:
        grow_checkpoint(checkpoint, initialization, journal.directory, range(0), journal=journal)
        new, shards = record_weights(checkpoint, journal.directory, False, Quiet())
        recorded = {name: shard.plain() for name, shard in shards.items()}
        write_json(journal.directory / "vocabx.json", {"base": tables, "tables": new, "shards": recorded})
    return {"rows": checkpoint.input.rows + initialization.rows}


TRANSFORMERS = """
import json, sys, time, torch
from transformers import AutoModelForCausalLM
marks = [time.perf_counter()]
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.bfloat16)
marks.append(time.perf_counter())
model.resize_token_embeddings(int(sys.argv[3]), mean_resizing=sys.argv[4] == "yes")
marks.append(time.perf_counter())
model.save_pretrained(sys.argv[2], max_shard_size="5GB")
marks.append(time.perf_counter())
print(json.dumps(dict(zip(("load", "resize", "save"), (round(b - a, 1) for a, b in zip(marks, marks[1:]))))))
"""

# The kernel counts what a process was before it became another program. So a small one starts the command:
# else its peak would be at least the size of this process.
LAUNCHER = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
found = {"code": done.returncode, "seconds": seconds, "peak MB": peak, "out": done.stdout}
print(json.dumps(found))
"""


def measured(command: list[str]) -> Result:
    """Run a command; its wall time, the peak of its own resident memory in MiB, and what it printed."""
    launched = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *command], stdout=subprocess.PIPE, text=True, check=True
    )
    found: Result = json.loads(launched.stdout)
    if found["code"]:
        raise SystemExit(f"{command[0]} … failed: {found['code']}")
    return found


if __name__ == "__main__":
    run_script(main, work_on_weights)
