"""Bits per byte before training, by initializer and by how much of a passage the model has read.

    python benchmarks/context.py [--new-tokens 8000]

Scores the demonstration's held-out text under the base and under each initializer, passages of 3,000
bytes, and prints bits per byte over the first 300, 600, 1,000, 2,000 and 3,000 bytes of each; and, as is
usual in papers, over windows of 512 tokens, which give the extended model three times the text.
"""

import argparse
import json
import math

import numpy as np
import torch
from common import machine, smollm2, taiwanese_text
from transformers import AutoModelForCausalLM

from vocabx._util.quiet import quiet_transformers
from vocabx.corpus.languages import find_language
from vocabx.initializers.inputs import InitializerInputs
from vocabx.initializers.registry import INITIALIZERS
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

LENGTHS = (300, 600, 1000, 2000, 3000)
WINDOW = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--new-tokens", type=int, default=8000)
    options = parser.parse_args()
    language, corpus = find_language("zh-Hant"), taiwanese_text(8_000_000)
    base = read_tokenizer(smollm2())
    alphabet = Alphabet(language.scripts, language.blocks)
    extension = extend_tokenizer(base, corpus.learning, alphabet, options.new_tokens, base.size, Quiet())
    inputs = InitializerInputs(tuple(extension.pieces), tuple(extension.pieces.values()), base.size, seed=0)
    with quiet_transformers("evaluate"):
        model = AutoModelForCausalLM.from_pretrained(smollm2(), dtype="auto").eval()
    table = model.get_input_embeddings().weight.data.clone()
    results = {"base": score(model, base, corpus.heldout)}
    for name, initializer in INITIALIZERS.items():
        rows = torch.from_numpy(initializer(inputs).apply(table.float().numpy())).to(table.dtype)
        weight = torch.nn.Parameter(torch.cat([table, rows]), requires_grad=False)
        model.get_input_embeddings().weight = model.get_output_embeddings().weight = weight
        results[name] = score(model, extension.tokenizer, corpus.heldout)
    print(json.dumps({"machine": machine(), "new_tokens": options.new_tokens, **results}, indent=2))


def score(model, tokenizer, texts):
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


def losses_of(model, ids):
    row = torch.tensor([[model.config.bos_token_id, *ids]])
    with torch.inference_mode():
        logits = model(row).logits[0, :-1]
        losses = [
            torch.nn.functional.cross_entropy(a.float(), b, reduction="none")
            for a, b in zip(logits.split(256), row[0, 1:].split(256), strict=True)
        ]
    return torch.cat(losses).double().numpy()


if __name__ == "__main__":
    main()
