"""Factorising a table: vocabx beside numpy's SVD, same table, same rank, in one run.

    python benchmarks/factorise.py [--rows 50000] [--width 768] [--rank 200]

Checked on the way: both products approximate the table equally well.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from common import machine, peak_memory_mb

from vocabx.mixture.factorise import factorise

RESULTS = Path(__file__).parent / "results" / "factorise.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--rank", type=int, default=200)
    options = parser.parse_args()
    random = np.random.RandomState(0)
    # A spectrum that falls, as those of real tables do.
    table = (
        random.standard_normal((options.rows, options.width)) / np.sqrt(np.arange(1, options.width + 1))
    ).astype(np.float32)
    ours, peers = [], []
    for _ in range(3):
        start = time.perf_counter()
        factors = factorise(table, options.rank)
        ours.append(time.perf_counter() - start)
    before = peak_memory_mb()
    for _ in range(3):
        start = time.perf_counter()
        left, values, right = np.linalg.svd(table, full_matrices=False)
        peers.append(time.perf_counter() - start)
    theirs = (left[:, : options.rank] * values[: options.rank]) @ right[: options.rank]
    errors = [
        float(np.linalg.norm(table - approximation) / np.linalg.norm(table))
        for approximation in (factors.coordinates @ factors.primitives, theirs)
    ]
    result = {
        "machine": machine(),
        "rows": options.rows,
        "width": options.width,
        "rank": options.rank,
        "vocabx_seconds": [round(seconds, 2) for seconds in ours],
        "numpy_svd_seconds": [round(seconds, 2) for seconds in peers],
        "numpy over vocabx": round(sorted(peers)[1] / sorted(ours)[1], 1),
        "relative_error": {"vocabx": round(errors[0], 6), "numpy": round(errors[1], 6)},
        "peak_mb": {"vocabx, table included": before, "with numpy's": peak_memory_mb()},
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
