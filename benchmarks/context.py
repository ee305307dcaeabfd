"""Bits per byte before training, by initializer and by how much of a passage the model has read.

    python benchmarks/context.py [--new-tokens 8000]

Scores the demonstration's held-out text under the base and under each initializer that needs neither word
vectors nor text, passages of 3,000 bytes, and gives bits per byte over the first 300, 600, 1,000, 2,000 and
3,000 bytes of each; and, as is usual in papers, over windows of 512 tokens, which give the extended model
three times the text.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from bases import base_directory
from common import Result, finish, machine, new_parser, run_script
from numpy.typing import NDArray
from texts import add_text_options, alphabet_of, sample_text

from vocabx._util.quiet import quiet_transformers
from vocabx.corpus.languages import find_language
from vocabx.corpus.sample_sizes import LEARN_BYTES
from vocabx.initializers.inputs import InitializerInputs, Tables
from vocabx.initializers.registry import INITIALIZERS
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

LENGTHS = (300, 600, 1000, 2000, 3000)
WINDOW = 512


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, base="smollm2", new_tokens=8000, heldout_bytes=60_000)
    add_text_options(parser, "corpus")
    options = parser.parse_args(arguments)
    with quiet_transformers("evaluate"):
        import torch
        from transformers import AutoModelForCausalLM

        directory = base_directory(options.base)
        model = AutoModelForCausalLM.from_pretrained(directory, dtype="auto").eval()
    corpus = sample_text("zh-Hant", options.corpus, LEARN_BYTES, options.heldout_bytes)
    base, request = read_tokenizer(directory), TokenRequest(options.new_tokens)
    extension = extend_tokenizer(base, corpus.learning, alphabet_of("zh-Hant"), request, base.size, Quiet())
    table = model.get_input_embeddings().weight.data[: base.size].clone()
    inputs = InitializerInputs(
        tuple(extension.pieces),
        tuple(extension.pieces.values()),
        base.size,
        seed=0,
        old_tokens=tuple(base.token_bytes.get(index) for index in range(base.size)),
        tables=Tables(table.float().numpy()),
        scripts=find_language("zh-Hant").scripts,
    )
    result = {"machine": machine(), "new_tokens": len(extension.pieces)}
    result["base"] = score(model, base, corpus.heldout)
    for name, initializer in INITIALIZERS.items():
        if initializer.vectors or initializer.learns or initializer.model:
            continue
        rows = torch.from_numpy(initializer(inputs).apply("input", table.float().numpy())).to(table.dtype)
        weight = torch.nn.Parameter(torch.cat([table, rows]), requires_grad=False)
        model.get_input_embeddings().weight = model.get_output_embeddings().weight = weight
        result[name] = score(model, extension.tokenizer, corpus.heldout)
    return finish(options.out, "context", result)


def score(model: Any, tokenizer: FastTokenizer, texts: Sequence[str]) -> dict[str, float]:
    """Bits per byte over the beginnings of `texts`, and over their windows."""
    nats, size = np.zeros(len(LENGTHS)), np.zeros(len(LENGTHS))
    window_nats = window_size = 0.0
    for ids in tokenizer.encode(texts):
        lengths = np.array([len(tokenizer.token_bytes[index]) for index in ids])
        losses = losses_of(model, ids)
        for number, limit in enumerate(LENGTHS):
            inside = np.cumsum(lengths) <= limit
            nats[number] += losses[inside].sum()
            size[number] += lengths[inside].sum()
        for start in range(0, len(ids), WINDOW):
            window_nats += losses_of(model, ids[start : start + WINDOW]).sum()
        window_size += lengths.sum()
    bits = (nats / size / math.log(2)).round(4).tolist()
    named = {f"first {length} bytes": value for length, value in zip(LENGTHS, bits, strict=True)}
    return {**named, "windows of 512 tokens": round(window_nats / window_size / math.log(2), 4)}


def losses_of(model: Any, ids: Sequence[int]) -> NDArray[np.float64]:
    """Nats of each token of a text, which follows the token that begins one."""
    import torch

    row = torch.tensor([[model.config.bos_token_id, *ids]])
    with torch.inference_mode():
        logits = model(row).logits[0, :-1]
        losses = [
            torch.nn.functional.cross_entropy(scores.float(), wanted, reduction="none")
            for scores, wanted in zip(torch.split(logits, 256), torch.split(row[0, 1:], 256), strict=True)
        ]
    found: NDArray[np.float64] = torch.cat(losses).double().numpy()
    return found


if __name__ == "__main__":
    run_script(main)
