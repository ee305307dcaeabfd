"""CW2V on real text: seconds, and operations a pair beside the dense form of the paper's released code.

    python benchmarks/cw2v.py [--tokens 1000000] [--new-tokens 8000]

SmolLM2's embedding matrix (49,152 × 576), tokens learned from the demonstration's text. Operations are
counted: multiplications and additions of the matrix products: for vocabx an epoch, forward and backward; for
the dense form a step: A1 A2 (m × r by r × V), softmax times E (m × V by V × d), both again twice for the
backward pass. The dense step is also measured, at a size that fits, to show that the count tells its time.
"""

import statistics
import time
from collections.abc import Sequence

import numpy as np
from bases import base_directory
from common import Result, finish, machine, new_parser, peak_memory_mb, run_script, timed
from numpy.typing import NDArray
from texts import add_text_options, alphabet_of, sample_text

from vocabx._util.memory import reset_peak
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.initializers.cooccurrence import count_pairs
from vocabx.initializers.cw2v import NEGATIVES, WINDOW, cw2v
from vocabx.initializers.inputs import LINE_END, Tables
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

EPOCHS, CANDIDATES = 5, 64
# Of the release: its inner size, and the pairs of a batch, which its count depends on (inferred).
INNER, BATCH = 1024, 4096


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, base="smollm2", tokens=1_000_000, new_tokens=8000, dense_rows=1000)
    add_text_options(parser, "corpus")
    options = parser.parse_args(arguments)
    directory = base_directory(options.base)
    base, request = read_tokenizer(directory), TokenRequest(options.new_tokens)
    corpus = sample_text("zh-Hant", options.corpus)
    extension = extend_tokenizer(base, corpus.learning, alphabet_of("zh-Hant"), request, base.size, Quiet())
    text = tokenize(extension.tokenizer, corpus.learning, options.tokens)
    table = read_checkpoint(directory).input.map()
    pieces = list(extension.pieces.values())
    reset_peak()
    before = peak_memory_mb()
    initialization, seconds = timed(
        lambda: cw2v(Tables(table), pieces, text, base.size, candidates=CANDIDATES, epochs=EPOCHS)
    )
    peak = peak_memory_mb()
    ours, pairs = operations(text, base.size, len(pieces), table.shape[1])
    dense = 3 * 2 * len(pieces) * base.size * (INNER + table.shape[1]) / (BATCH * (1 + NEGATIVES))
    result = {
        "machine": machine(),
        "tokens": int((text != LINE_END).sum()),
        "new_tokens": len(pieces),
        "table": list(table.shape),
        "epochs": EPOCHS,
        "candidates": CANDIDATES,
        "seconds": round(seconds, 1),
        "beyond_mb": peak - before,
        "hull_bound": initialization.hull_bound(),
        "pairs_an_epoch": pairs,
        "operations_a_pair": round(ours),
        "dense_operations_a_pair": round(dense),
        "dense over vocabx": round(dense / ours),
        "dense_step": dense_step(options.dense_rows),
    }
    return finish(options.out, "cw2v", result)


def tokenize(tokenizer: FastTokenizer, lines: Sequence[str], tokens: int) -> NDArray[np.int64]:
    """The ids of lines until there are `tokens` of them, `LINE_END` after each line."""
    parts, size = [], 0
    for ids in tokenizer.encode(lines):
        parts.append(np.append(ids, LINE_END))
        size += len(ids)
        if size >= tokens:
            break
    return np.concatenate(parts).astype(np.int64)


def operations(text: NDArray[np.int64], old_rows: int, rows: int, width: int) -> tuple[float, int]:
    """Of an epoch by counted pair and negative: two roles of two products, and the candidates' rows."""
    near = count_pairs(text, old_rows, rows, WINDOW)
    products = 2 * 2 * 2 * rows * len(near.contexts) * width
    mixing = 4 * 2 * rows * CANDIDATES * width
    # A pair counts as centre and as context; each brings its negatives.
    pairs = int(2 * near.pairs.sum())
    return (products + mixing) / (pairs * (1 + NEGATIVES)), pairs


def dense_step(rows: int, old_rows: int = 8192, width: int = 576, inner: int = INNER) -> Result:
    """One forward and backward pass of softmax(A1 A2) E, by torch."""
    import torch

    torch.manual_seed(0)
    first = torch.rand(rows, inner, requires_grad=True)
    second = torch.rand(inner, old_rows, requires_grad=True)
    table = torch.randn(old_rows, width)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        total = (torch.softmax(first @ second, dim=1) @ table).sum()
        torch.autograd.backward(total)
        seconds.append(time.perf_counter() - start)
    count = 2 * rows * old_rows * (3 * inner + 2 * width)
    median = statistics.median(seconds)
    return {
        "rows": rows,
        "old_rows": old_rows,
        "seconds": round(median, 3),
        "operations": count,
        "operations_a_second": round(count / median),
    }


if __name__ == "__main__":
    run_script(main)
