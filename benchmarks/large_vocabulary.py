"""Initializing 8,000 tokens in a vocabulary of 256,000: the memory of each initializer, the matrix on disk.

    python benchmarks/large_vocabulary.py [--old 256000] [--new 8000] [--width 2304]

The shape of Gemma 2 2B's embedding matrix, random rows in bfloat16, memory-mapped. Memory is what is resident
of the process's own, sampled every 10 ms, beyond what it held before: the pages of the mapped file are the
system's to keep or to drop. Word vectors (300 wide) and text (1 M tokens) are made before and not counted.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ml_dtypes
import numpy as np
from common import Result, finish, machine, new_parser, run_script, run_worker, timed

from vocabx.initializers.inputs import LINE_END, InitializerInputs, Tables, TokenVectors
from vocabx.initializers.options import InitializerOptions
from vocabx.initializers.registry import INITIALIZERS, find_initializer

# What computes with a model needs that model's matrices, not random ones.
CASES: dict[str, dict[str, Any]] = {name: {} for name, one in INITIALIZERS.items() if not one.model}
CASES["ofa, rank 200"] = {"rank": 200}
VECTORS = 300
# Of the old tokens: how many the text may hold, and how many of those it does.
FREQUENT, OCCURRING = 20_000, 12_000


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, old=256_000, new=8000, width=2304, tokens=1_000_000)
    parser.add_argument("--only", nargs="+", choices=CASES, default=tuple(CASES), metavar="INITIALIZER")
    options = parser.parse_args(arguments)
    sizes = {name: getattr(options, name) for name in ("old", "new", "width")}
    rows = {}
    with TemporaryDirectory() as directory:
        path = Path(directory) / "table"
        write_table(path, options.old, options.width)
        for case in options.only:
            settings = {"case": case, "path": str(path), "tokens": options.tokens, **sizes}
            rows[case] = run_worker(__file__, settings)
            print(case, rows[case], file=sys.stderr)
    size = round(options.old * options.width * 2 / 1e6)
    result = {"machine": machine(), **sizes, "table_mb": size, "initializers": rows}
    return finish(options.out, "large-vocabulary", result)


def write_table(path: Path, rows: int, width: int) -> None:
    """Write random rows in bfloat16, without a header."""
    table = np.memmap(path, dtype=ml_dtypes.bfloat16, mode="w+", shape=(rows, width))
    random = np.random.default_rng(0)
    for start in range(0, rows, 8192):
        part = table[start : start + 8192]
        part[:] = random.standard_normal(part.shape, dtype=np.float32).astype(ml_dtypes.bfloat16)
    table.flush()


def work(case: str, path: str, tokens: int, old: int, new: int, width: int) -> Result:
    """Seconds and memory of one initializer."""
    table = np.memmap(path, dtype=ml_dtypes.bfloat16, mode="r", shape=(old, width))
    random = np.random.default_rng(1)
    vectors = TokenVectors(
        random.standard_normal((old, VECTORS), dtype=np.float32),
        random.standard_normal((new, VECTORS), dtype=np.float32),
    )
    frequent = min(FREQUENT, old)
    if case == "focus":
        # Its vectors are of the tokens that the text holds.
        vectors.source[frequent:] = 0
    ids = np.concatenate([random.integers(0, frequent, OCCURRING), old + np.arange(new)])
    text = random.choice(ids, tokens)
    text[::40] = LINE_END
    inputs = InitializerInputs(
        tokens=(b"",) * new,
        pieces=tuple(map(tuple, random.integers(0, old, (new, 3)).tolist())),
        old_rows=old,
        seed=0,
        old_tokens=(None,) * old,
        vectors=vectors,
        text=text,
        tables=Tables(table),
        settings=InitializerOptions(**CASES[case]),
    )

    def initialize() -> None:
        initialization = find_initializer(case.partition(",")[0])(inputs)
        for _ in initialization.blocks("input", table):
            pass

    with watched() as samples:
        _, seconds = timed(initialize)
    return {"seconds": round(seconds, 1), "beyond_mb": round(max(samples) - samples[0])}


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
    """MB of the process's own, files that it maps not counted."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1000


if __name__ == "__main__":
    run_script(main, work)
