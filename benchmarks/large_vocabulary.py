"""Placing 8,000 tokens in a vocabulary of 256,000: the memory of each initializer, the table on disk.

    python benchmarks/large_vocabulary.py [--old 256000] [--new 8000] [--width 2304]

The shape of Gemma 2 2B's table, random rows in bfloat16, memory-mapped. Memory is what is resident of the
process's own, sampled every 10 ms, beyond what it held before: the pages of the mapped file are the
system's to keep or to drop. Word vectors (300 wide) and text (1 M tokens) are made before and not counted.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ml_dtypes
import numpy as np
from common import machine

from vocabx.initializers.inputs import LINE_END, InitializerInputs, Tables, TokenVectors
from vocabx.initializers.options import InitializerOptions
from vocabx.initializers.registry import INITIALIZERS, find_initializer

RESULTS = Path(__file__).parent / "results" / "large-vocabulary.json"
CASES: dict[str, dict[str, Any]] = {name: {} for name in INITIALIZERS} | {"ofa, rank 200": {"rank": 200}}
VECTORS, TOKENS = 300, 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=int, default=256_000)
    parser.add_argument("--new", type=int, default=8000)
    parser.add_argument("--width", type=int, default=2304)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(options)))
        return
    rows = {}
    with TemporaryDirectory() as directory:
        path = Path(directory) / "table"
        write_table(path, options.old, options.width)
        for case in CASES:
            sizes = [f"--{name}={getattr(options, name)}" for name in ("old", "new", "width")]
            command = [sys.executable, __file__, "--worker", case, str(path), *sizes]
            ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows[case] = json.loads(ran.stdout.splitlines()[-1])
            print(case, rows[case], file=sys.stderr)
    result = {
        "machine": machine(),
        "old": options.old,
        "new": options.new,
        "width": options.width,
        "table_mb": round(options.old * options.width * 2 / 1e6),
        "initializers": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")


def write_table(path: Path, rows: int, width: int) -> None:
    table = np.memmap(path, dtype=ml_dtypes.bfloat16, mode="w+", shape=(rows, width))
    random = np.random.default_rng(0)
    for start in range(0, rows, 8192):
        part = table[start : start + 8192]
        part[:] = random.standard_normal(part.shape, dtype=np.float32).astype(ml_dtypes.bfloat16)
    table.flush()


def work(options: argparse.Namespace) -> dict[str, float]:
    case, path = options.worker
    table = np.memmap(path, dtype=ml_dtypes.bfloat16, mode="r", shape=(options.old, options.width))
    random = np.random.default_rng(1)
    vectors = TokenVectors(
        random.standard_normal((options.old, VECTORS), dtype=np.float32),
        random.standard_normal((options.new, VECTORS), dtype=np.float32),
    )
    if case == "focus":
        # Its vectors are of the tokens that the text holds.
        vectors.source[20_000:] = 0
    ids = np.concatenate([random.integers(0, 20_000, 12_000), options.old + np.arange(options.new)])
    text = random.choice(ids, TOKENS)
    text[::40] = LINE_END
    inputs = InitializerInputs(
        tokens=(b"",) * options.new,
        pieces=tuple(map(tuple, random.integers(0, options.old, (options.new, 3)).tolist())),
        old_rows=options.old,
        seed=0,
        old_tokens=(None,) * options.old,
        vectors=vectors,
        text=text,
        tables=Tables(table),
        settings=InitializerOptions(**CASES[case]),
    )
    with watched() as peak:
        start = time.perf_counter()
        initialization = find_initializer(case.partition(",")[0])(inputs)
        for _ in initialization.blocks("input", table):
            pass
        seconds = time.perf_counter() - start
    return {"seconds": round(seconds, 1), "beyond_mb": round(max(peak) - peak[0])}


@contextmanager
def watched() -> Iterator[list[float]]:
    """The resident memory of the process's own, in MB: first what it is, then samples."""
    samples, done = [resident()], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            samples.append(resident())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield samples
    done.set()
    thread.join()


def resident() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1000


if __name__ == "__main__":
    main()
