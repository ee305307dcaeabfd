"""Placing new tokens among old ones: vocabx beside `wechsel`, both tables, a matrix product as the measure.

    pip install --target PEERS --no-deps wechsel==0.0.4 fasttext-wheel pybind11 scikit-learn joblib \
        threadpoolctl nltk narwhals cloudpickle
    PYTHONPATH=PEERS python benchmarks/placing.py [--new 27000] [--width 4096]

The work: for each new token the 10 nearest old tokens by cosine, and the rows of two tables.
The product is new (N × S) by old (S × V) in float32, in blocks as it would be done: what nearest
neighbours cost at the least. Each contestant runs in a process of its own, and memory is what it needs
beyond its arrays. The peer makes one table a call, so it is called twice, as its users have to. `--unknown`
tokens have no vector, and are drawn.
"""

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from common import machine

from vocabx._util.memory import peak_memory, reset_peak

RESULTS = Path(__file__).parent / "results" / "placing.json"
SIZES = ("new", "old", "vectors", "width", "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in zip(SIZES, (27_000, 32_000, 300, 4096, 0), strict=True):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--worker", choices=("product", "vocabx", "wechsel"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(options)))
        return
    found: dict[str, Any] = {name: child(name, options) for name in ("product", "vocabx", "wechsel")}
    product, ours, peer = (found[name]["seconds"] for name in ("product", "vocabx", "wechsel"))
    result = {
        "machine": machine(),
        **{name: getattr(options, name) for name in SIZES},
        **found,
        "seconds over the product": round(ours / product, 2),
        "peer over vocabx": round(peer / ours, 2),
        "memory over the peer's": round(found["vocabx"]["beyond_mb"] / found["wechsel"]["beyond_mb"], 3),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def child(name: str, options: argparse.Namespace) -> dict[str, Any]:
    arguments = [f"--{size}={getattr(options, size)}" for size in SIZES]
    command = [sys.executable, __file__, "--worker", name, f"--runs={options.runs}", *arguments]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


def work(options: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    random = np.random.RandomState(0)
    source = random.standard_normal((options.old, options.vectors)).astype(np.float32)
    target = random.standard_normal((options.new, options.vectors)).astype(np.float32)
    target[: options.unknown] = 0
    tables = [random.standard_normal((options.old, options.width)).astype(np.float32) for _ in range(2)]
    run = {"product": product, "vocabx": vocabx, "wechsel": wechsel}[options.worker](source, target, tables)
    gc.collect()
    # What making the arrays took is nobody's: the peak begins anew, at what is resident now.
    reset_peak()
    before = peak_memory() or 0
    seconds = []
    # The peer takes minutes: one run of it.
    for _ in range(1 if options.worker == "wechsel" else options.runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": round(statistics.median(seconds), 2),
        "runs": [round(second, 2) for second in seconds],
        "beyond_mb": max(1, round(((peak_memory() or 0) - before) / 1e6)),
    }


def product(source, target, tables):
    def run() -> None:
        for start in range(0, len(target), 4096):
            target[start : start + 4096] @ source.T

    return run


def vocabx(source, target, tables):
    from vocabx.initializers.wechsel import wechsel as place

    def run() -> None:
        mixture = place(source, target)
        for table in tables:
            for _ in mixture.blocks(table):
                pass

    place(source[:100], target[:100])
    return run


def wechsel(source, target, tables):
    import logging

    from wechsel import create_target_embeddings

    logging.disable(logging.CRITICAL)

    class Tokenizer:
        """What the function asks of a tokenizer: sizes, and the names of ids."""

        special_tokens_map: dict[str, str] = {}  # noqa: RUF012

        def __init__(self, size: int) -> None:
            self.vocab = {str(index): index for index in range(size)}

        def __len__(self) -> int:
            return len(self.vocab)

        def convert_ids_to_tokens(self, ids: Any) -> Any:
            return [str(index) for index in ids] if hasattr(ids, "__len__") else str(ids)

    old, new = Tokenizer(len(source)), Tokenizer(len(target))

    def run() -> None:
        for table in tables:
            create_target_embeddings(source, target, old, new, table, verbose=False)

    return run


if __name__ == "__main__":
    main()
