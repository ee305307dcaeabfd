"""A checkpoint of the shape of Llama 2 7B (13.5 GB) extended by 27,264 tokens: time and memory.

    python benchmarks/large_checkpoint.py [--scratch DIR] [--only make,extend,…]

Random weights in three files, the real tokenizer of Llama 2, text from packages. Each contestant runs in a
process of its own, on files that are not in the system's cache where that can be emptied:

- `vocabx extend --init zip-tie`, the whole command, with its stages; then the same with --link;
- the work on weights alone (reading, placing, writing until the disk has it, hashing), and in turn with it
  `cp -r` of the result on the same disk;
- `--dry-run` on the shape of Llama 2 70B by its headers alone;
- transformers: load, resize_token_embeddings to as many rows, save_pretrained.

Memory is the peak of resident memory less that of a bare interpreter. The disk needs 45 GB.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import machine
from llama_shapes import LLAMA_7B, LLAMA_70B, VOCABULARY, make_base

from vocabx.checkpoint.grow import grow_checkpoint, write_json
from vocabx.checkpoint.staging import resumable
from vocabx.checkpoint.tables import read_checkpoint
from vocabx.commands._options import CheckpointOptions
from vocabx.commands._output import examine_base, record_weights
from vocabx.initializers.inputs import InitializerInputs
from vocabx.initializers.registry import find_initializer
from vocabx.progress import Quiet

RESULTS = Path(__file__).parent / "results" / "large-checkpoint.json"
NEW_TOKENS = 27_264
# By what is measured: the name of its step.
STEPS = {
    "base bytes": "make",
    "vocabx": "extend",
    "result bytes": "extend",
    "weights alone": "cp",
    "vocabx --link": "link",
    "70B --dry-run": "plan",
    "transformers, random rows": "transformers",
    "transformers": "transformers",
}
# What of a run is about weights; the rest reads text, learns tokens and proves the tokenizer.
WEIGHT_STAGES = (
    "Checking the base's tables",
    "Initializing embeddings by zip-tie",
    "Writing the checkpoint",
    "Hashing",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/large-checkpoint"))
    parser.add_argument("--only", default=",".join(dict.fromkeys(STEPS.values())))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--worker", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work_on_weights(*options.worker)
        return
    steps = options.only.split(",")
    base, out = options.scratch / "base", options.scratch / "extended"
    result: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    result |= {"machine": machine(), "new tokens": NEW_TOKENS}
    bare = measured([sys.executable, "-c", "pass"])["peak MB"]
    work: dict[str, Callable[[], Any]] = {
        "base bytes": lambda: make_base(base, LLAMA_7B),
        "vocabx": lambda: extended(base, out, bare, "--resume"),
        "result bytes": lambda: sum(path.stat().st_size for path in out.iterdir()),
        "weights alone": lambda: rewritten(base, out, options.runs),
        "vocabx --link": lambda: extended(base, out, bare, "--link"),
        "70B --dry-run": lambda: planned(options.scratch / "llama-70b"),
        "transformers, random rows": lambda: resized(base, out, bare, "no"),
        "transformers": lambda: resized(base, out, bare, "yes"),
    }
    for name, do in work.items():
        if STEPS[name] in steps:
            result[name] = do()
            # Steps take long: what is known is written down before the next.
            RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def rewritten(base: Path, out: Path, runs: int) -> dict[str, Any]:
    """The work on weights alone and `cp -r` of its result, in turn, for the disk's speed changes."""
    ours: list[float] = []
    peer: list[float] = []
    synced: list[float] = []
    for _ in range(runs):
        shutil.rmtree(out, ignore_errors=True)
        ours.append(measured([sys.executable, __file__, "--worker", str(base), str(out)])["seconds"])
        found = copied(out, out.with_name("copy"))
        peer.append(found["seconds"])
        synced.append(found["seconds until the disk has it"])
    return {
        "vocabx seconds": ours,
        "cp -r seconds": peer,
        "cp -r seconds until the disk has it": synced,
        "vocabx over cp -r": round(statistics.median(ours) / statistics.median(peer), 2),
    }


def work_on_weights(base: Path, out: Path) -> None:
    """What `extend` does between the tokenizer and the report, for as many random tokens."""
    options = CheckpointOptions(out=out)
    checkpoint = read_checkpoint(base)
    tables = examine_base(checkpoint, Quiet())
    random = np.random.RandomState(0)
    lengths = random.randint(1, 7, NEW_TOKENS)
    pieces = tuple(tuple(random.randint(3, VOCABULARY, length).tolist()) for length in lengths)
    inputs = InitializerInputs(tokens=(b"",) * NEW_TOKENS, pieces=pieces, old_rows=VOCABULARY, seed=0)
    initialization = find_initializer("zip-tie")(inputs)
    with resumable(options.out) as journal:
        grow_checkpoint(checkpoint, initialization, journal.directory, range(0), journal=journal)
        new, shards = record_weights(checkpoint, journal.directory, False, Quiet())
        write_json(journal.directory / "vocabx.json", {"base": tables, "tables": new, "shards": shards})


def extended(base: Path, out: Path, bare: float, *more: str) -> dict[str, Any]:
    shutil.rmtree(out, ignore_errors=True)
    command = [
        sys.executable, "-c", "from vocabx.cli import main; main()", "extend", "--base", str(base),
        "--lang", "zh-Hant", "--new-tokens", str(NEW_TOKENS), "--init", "zip-tie", "--no-evaluate",
        "--out", str(out), *more,
    ]  # fmt: skip
    found = measured(command)
    manifest = json.loads((out / "vocabx.json").read_text())
    stages = {name: round(seconds, 1) for name, seconds in manifest["run"]["seconds"].items()}
    return {
        "seconds": found["seconds"],
        "seconds of weights": round(sum(stages.get(name, 0) for name in WEIGHT_STAGES), 1),
        "MB beyond the interpreter": round(found["peak MB"] - bare),
        "rows": manifest["sizes"]["rows"],
        "stages": stages,
    }


def planned(base: Path) -> dict[str, Any]:
    """The plan for 138 GB of which only the headers are there: the best of three, the system's cache warm."""
    size = make_base(base, LLAMA_70B, empty=True)
    command = [sys.executable, "-c", "from vocabx.cli import main; main()", "extend", "--base", str(base)]
    options = ["--lang", "zh-Hant", "--dry-run", "--out", str(base.with_name("never"))]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    shutil.rmtree(base)
    return {"base bytes": size, "seconds": round(min(seconds), 2)}


def copied(source: Path, target: Path) -> dict[str, Any]:
    found = measured(["cp", "-r", str(source), str(target)])
    start = time.perf_counter()
    subprocess.run(["sync", "-f", str(target)], check=True)
    synced = found["seconds"] + time.perf_counter() - start
    shutil.rmtree(target)
    return {"seconds": found["seconds"], "seconds until the disk has it": round(synced, 1)}


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


def resized(base: Path, out: Path, bare: float, mean: str) -> dict[str, Any]:
    """The peer's way; `mean` is "yes" for rows drawn around the mean, its default, else they are random."""
    shutil.rmtree(out, ignore_errors=True)
    found = measured(
        [sys.executable, "-c", TRANSFORMERS, str(base), str(out), str(VOCABULARY + NEW_TOKENS), mean]
    )
    shutil.rmtree(out, ignore_errors=True)
    return {
        "seconds": found["seconds"],
        "MB beyond the interpreter": round(found["peak MB"] - bare),
        "stages": json.loads(found["out"].splitlines()[-1]),
    }


def measured(command: list[str]) -> dict[str, Any]:
    """Run a command on a cold cache; its wall time, and the peak of its own resident memory."""
    subprocess.run(["sync"], check=True)
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        print("the system's cache stays as it is: that needs root", file=sys.stderr)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = round(time.perf_counter() - start, 1)
    if status:
        raise SystemExit(f"{command[0]} … failed: {os.waitstatus_to_exitcode(status)}")
    return {"seconds": seconds, "peak MB": usage.ru_maxrss / 1024, "out": out}


if __name__ == "__main__":
    main()
