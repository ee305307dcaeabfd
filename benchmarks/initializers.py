"""Initializing new token embeddings from old ones: WECHSEL of vocabx beside the package `wechsel`.

    pip install --target PEERS --no-deps wechsel==0.0.4 fasttext-wheel pybind11 scikit-learn joblib \
        threadpoolctl nltk narwhals cloudpickle
    PYTHONPATH=PEERS python benchmarks/initializers.py [--new 27000] [--width 4096]

The work: for each new token the 10 nearest old tokens by cosine, and the embeddings of two matrices.
The measure is a matrix product, new (N × S) by old (S × V) in float32, in blocks as it would be done: what
nearest neighbours cost at the least. Each of the three runs in a process of its own, and memory is what it
needs beyond its arrays. The peer makes one matrix a call, so it is called twice, as its users have to.
`--unknown` tokens have no vector, and are drawn. Where the peer is not installed, the rest is measured.
"""

import gc
import statistics
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from common import Result, finish, machine, new_parser, rounded, run_script, run_worker, timed
from numpy.typing import NDArray

from vocabx._util.memory import peak_memory, reset_peak

Float = NDArray[np.float32]

SIZES = {"new": 27_000, "old": 32_000, "vectors": 300, "width": 4096, "unknown": 0}
NOT_INSTALLED = "not installed"


def main(arguments: Sequence[str] | None = None) -> Result:
    options = new_parser(__doc__, **SIZES, runs=3).parse_args(arguments)
    sizes = {name: getattr(options, name) for name in SIZES}
    found: Result = {
        name: run_worker(__file__, {**sizes, "name": name, "runs": runs})
        # The peer takes minutes: one run of it.
        for name, runs in (("product", options.runs), ("vocabx", options.runs), ("wechsel", 1))
        if name != "wechsel" or find_spec("wechsel")
    }
    ours, peer = found["vocabx"], found.get("wechsel")
    result: Result = {
        "machine": machine(),
        **sizes,
        **found,
        "seconds over the product": round(ours["seconds"] / found["product"]["seconds"], 2),
    }
    if peer is None:
        result["wechsel"] = NOT_INSTALLED
    else:
        result["peer over vocabx"] = round(peer["seconds"] / ours["seconds"], 2)
        result["memory over the peer's"] = round(ours["beyond_mb"] / peer["beyond_mb"], 3)
    return finish(options.out, "initializers", result)


def work(name: str, runs: int, new: int, old: int, vectors: int, width: int, unknown: int) -> Result:
    """Seconds and memory of one of the three."""
    random = np.random.RandomState(0)
    source = random.standard_normal((old, vectors)).astype(np.float32)
    target = random.standard_normal((new, vectors)).astype(np.float32)
    target[:unknown] = 0
    tables = [random.standard_normal((old, width)).astype(np.float32) for _ in range(2)]
    run = {"product": product, "vocabx": vocabx, "wechsel": wechsel}[name](source, target, tables)
    gc.collect()
    # What making the arrays took is nobody's: the peak begins anew, at what is resident now.
    reset_peak()
    before = peak_memory() or 0
    seconds = [timed(run)[1] for _ in range(runs)]
    return {
        "seconds": round(statistics.median(seconds), 6),
        "runs": rounded(seconds, 6),
        "beyond_mb": max(1, round(((peak_memory() or 0) - before) / 1e6)),
    }


def product(source: Float, target: Float, tables: Sequence[Float]) -> Callable[[], None]:
    """The matrix product alone."""

    def run() -> None:
        for start in range(0, len(target), 4096):
            target[start : start + 4096] @ source.T

    return run


def vocabx(source: Float, target: Float, tables: Sequence[Float]) -> Callable[[], None]:
    """Ours, after a small call that imports what it needs."""
    from vocabx.initializers.wechsel import wechsel as initialize

    def run() -> None:
        mixture = initialize(source, target)
        for table in tables:
            for _ in mixture.blocks(table):
                pass

    initialize(source[:100], target[:100])
    return run


def wechsel(source: Float, target: Float, tables: Sequence[Float]) -> Callable[[], None]:
    """The package's."""
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
    run_script(main, work)
