"""Learning tokens: seconds and memory of vocabx beside the tokenizers library's own trainer on the same text.

    python benchmarks/learn.py [--mb 2] [--new-tokens 8000]

The peer is `Tokenizer.train_new_from_iterator` of transformers, which trains a vocabulary of the same
number of new tokens from scratch with the same Rust trainer. It is the nearest public thing to the same
work; it does not continue the base's vocabulary, choose used tokens, or keep English as it is.
"""

import argparse
import json
import time
from collections.abc import Callable

from common import machine, peak_memory_mb, smollm2, taiwanese_text

from vocabx.corpus.languages import find_language
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer


def timed(work: Callable[[], object]) -> tuple[object, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=2.0)
    parser.add_argument("--new-tokens", type=int, default=8000)
    options = parser.parse_args()
    corpus = taiwanese_text(int(options.mb * 1e6))
    language = find_language("zh-Hant")
    base = read_tokenizer(smollm2())
    base.encode([""])  # Loading the base is not learning.
    alphabet = Alphabet(language.scripts, language.blocks)
    ours, peers = [], []
    for _ in range(3):
        extension, seconds = timed(
            lambda: extend_tokenizer(base, corpus.learning, alphabet, options.new_tokens, base.size, Quiet())
        )
        ours.append(seconds)
        peers.append(timed(lambda: train_from_scratch(base, corpus.learning, options.new_tokens))[1])
    before = sum(map(len, base.encode(corpus.heldout)))
    after = sum(map(len, extension.tokenizer.encode(corpus.heldout)))
    print(
        json.dumps(
            {
                "machine": machine(),
                "text_mb": round(sum(len(line.encode()) for line in corpus.learning) / 1e6, 2),
                "new_tokens": options.new_tokens,
                "vocabx_seconds": [round(seconds, 2) for seconds in ours],
                "trainer_from_scratch_seconds": [round(seconds, 2) for seconds in peers],
                "ratio_of_medians": round(sorted(ours)[1] / sorted(peers)[1], 2),
                "held_out_tokens_share": round(after / before, 4),
                "unused_tokens": extension.selection.unused,
                "peak_memory_mb": peak_memory_mb(),
            },
            indent=2,
        )
    )


def train_from_scratch(base, lines, new_tokens):
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=base.rust)
    return tokenizer.train_new_from_iterator(lines, vocab_size=new_tokens + 256, show_progress=False)


if __name__ == "__main__":
    main()
