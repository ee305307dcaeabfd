"""Factorising a table: vocabx beside numpy's SVD, same table, same rank, in one run.

    python benchmarks/factorise.py [--rows 50000] [--width 768] [--rank 200]

Checked on the way: both products approximate the table equally well.
"""

import statistics
from collections.abc import Sequence

import numpy as np
from common import Result, finish, machine, new_parser, peak_memory_mb, rounded, run_script, timed

from vocabx.mixture.factorise import factorise

ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> Result:
    options = new_parser(__doc__, rows=50_000, width=768, rank=200).parse_args(arguments)
    random = np.random.RandomState(0)
    # A spectrum that falls, as those of real tables do.
    noise = random.standard_normal((options.rows, options.width))
    table = (noise / np.sqrt(np.arange(1, options.width + 1))).astype(np.float32)
    ours, peers = [], []
    for _ in range(ROUNDS):
        factors, seconds = timed(lambda: factorise(table, options.rank))
        ours.append(seconds)
    before = peak_memory_mb()
    for _ in range(ROUNDS):
        (left, values, right), seconds = timed(lambda: np.linalg.svd(table, full_matrices=False))
        peers.append(seconds)
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
        "vocabx_seconds": rounded(ours),
        "numpy_svd_seconds": rounded(peers),
        "numpy over vocabx": round(statistics.median(peers) / statistics.median(ours), 1),
        "relative_error": {"vocabx": round(errors[0], 6), "numpy": round(errors[1], 6)},
        "peak_mb": {"vocabx, table included": before, "with numpy's": peak_memory_mb()},
    }
    return finish(options.out, "factorise", result)


if __name__ == "__main__":
    run_script(main)
