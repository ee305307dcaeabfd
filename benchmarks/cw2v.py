"""CW2V on real text: seconds, and operations a pair beside the dense form of the paper's released code.

    python benchmarks/cw2v.py [--tokens 1000000] [--new-tokens 8000]

SmolLM2's table (49,152 × 576), tokens learned from the demonstration's text. Operations are counted:
multiplications and additions of the matrix products: for vocabx an epoch, forward and backward; for the
dense form a step: A1 A2 (m × r by r × V), softmax times E (m × V by V × d), both again twice for the
backward pass. The dense step is also measured, at a size that fits, to show that the count tells its time.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from common import machine, peak_memory_mb, smollm2, taiwanese_text

from vocabx.checkpoint.tables import read_checkpoint
from vocabx.corpus.languages import find_language
from vocabx.initializers.cooccurrence import count_pairs
from vocabx.initializers.cw2v import NEGATIVES, WINDOW, cw2v
from vocabx.initializers.inputs import LINE_END, Tables
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

RESULTS = Path(__file__).parent / "results" / "cw2v.json"
EPOCHS, CANDIDATES = 5, 64
# Of the release: its inner size, and the pairs of a batch, which its count depends on (inferred).
INNER, BATCH = 1024, 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--new-tokens", type=int, default=8000)
    options = parser.parse_args()
    base = read_tokenizer(smollm2())
    corpus = taiwanese_text(8_000_000)
    language = find_language("zh-Hant")
    alphabet = Alphabet(language.scripts, language.blocks)
    extension = extend_tokenizer(
        base, corpus.learning, alphabet, TokenRequest(options.new_tokens), base.size, Quiet()
    )
    text = cut(extension.tokenizer, corpus.learning, options.tokens)
    table = read_checkpoint(smollm2()).input.map()
    pieces = list(extension.pieces.values())
    before = peak_memory_mb()
    start = time.perf_counter()
    initialization = cw2v(Tables(table), pieces, text, base.size, candidates=CANDIDATES, epochs=EPOCHS)
    seconds = time.perf_counter() - start
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
        "beyond_mb": peak_memory_mb() - before,
        "hull_bound": initialization.hull_bound(),
        "pairs_an_epoch": pairs,
        "operations_a_pair": round(ours),
        "dense_operations_a_pair": round(dense),
        "dense over vocabx": round(dense / ours),
        "dense_step": dense_step(),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def cut(tokenizer, lines, tokens: int) -> np.ndarray:
    parts, size = [], 0
    for ids in tokenizer.encode(lines):
        parts.append(np.append(ids, LINE_END))
        size += len(ids)
        if size >= tokens:
            break
    return np.concatenate(parts).astype(np.int64)


def operations(text: np.ndarray, old_rows: int, rows: int, width: int) -> tuple[float, int]:
    """Of an epoch by counted pair and negative: two roles of two products, and the candidates' rows."""
    near = count_pairs(text, old_rows, rows, WINDOW)
    products = 2 * 2 * 2 * rows * len(near.contexts) * width
    mixing = 4 * 2 * rows * CANDIDATES * width
    # A pair counts as centre and as context; each brings its negatives.
    pairs = int(2 * near.pairs.sum())
    return (products + mixing) / (pairs * (1 + NEGATIVES)), pairs


def dense_step(
    rows: int = 1000, old_rows: int = 8192, width: int = 576, inner: int = 1024
) -> dict[str, object]:
    """One forward and backward pass of softmax(A1 A2) E, by torch."""
    import torch

    torch.manual_seed(0)
    first = torch.rand(rows, inner, requires_grad=True)
    second = torch.rand(inner, old_rows, requires_grad=True)
    table = torch.randn(old_rows, width)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        (torch.softmax(first @ second, dim=1) @ table).sum().backward()
        seconds.append(time.perf_counter() - start)
    count = 2 * rows * old_rows * (3 * inner + 2 * width)
    return {
        "rows": rows,
        "old_rows": old_rows,
        "seconds": round(sorted(seconds)[1], 3),
        "operations": count,
        "operations_a_second": round(count / sorted(seconds)[1]),
    }


if __name__ == "__main__":
    main()
