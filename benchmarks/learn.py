"""Learning tokens: seconds and memory of vocabx beside the tokenizers library's own trainer on the same text.

    python benchmarks/learn.py [--mb 2] [--new-tokens 8000]

The peer is `Tokenizer.train_new_from_iterator` of transformers, which trains a vocabulary of the same
number of new tokens from scratch with the same Rust trainer. It is the nearest public thing to the same
work; it does not continue the base's vocabulary, choose used tokens, or keep English as it is.
"""

import statistics
from collections.abc import Sequence

from bases import load_tokenizer, tokenizer_path
from common import Result, finish, machine, new_parser, peak_memory_mb, rounded, run_script, timed
from texts import add_text_options, alphabet_of, sample_text, size_of

from vocabx.evaluation.fertility import count_tokens
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import Extension, TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer

ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, mb=2.0, new_tokens=8000)
    add_text_options(parser, "corpus")
    options = parser.parse_args(arguments)
    corpus = sample_text("zh-Hant", options.corpus, int(options.mb * 1e6))
    base, alphabet = load_tokenizer(tokenizer_path("SmolLM2")), alphabet_of("zh-Hant")
    request = TokenRequest(options.new_tokens)

    def learn() -> Extension:
        return extend_tokenizer(base, corpus.learning, alphabet, request, base.size, Quiet())

    ours, peers = [], []
    for _ in range(ROUNDS):
        extension, seconds = timed(learn)
        ours.append(seconds)
        peers.append(timed(lambda: train_from_scratch(base, corpus.learning, options.new_tokens))[1])
    before, after = (count_tokens(each, corpus.heldout) for each in (base, extension.tokenizer))
    result = {
        "machine": machine(),
        "text_mb": round(size_of(corpus.learning) / 1e6, 2),
        "new_tokens": options.new_tokens,
        "vocabx_seconds": rounded(ours),
        "trainer_from_scratch_seconds": rounded(peers),
        "ratio_of_medians": round(statistics.median(ours) / statistics.median(peers), 2),
        "held_out_tokens_share": round(after / before, 4),
        "unused_tokens": extension.selection.unused,
        "peak_memory_mb": peak_memory_mb(),
    }
    return finish(options.out, f"learn-{options.mb:g}mb", result)


def train_from_scratch(base: FastTokenizer, lines: Sequence[str], new_tokens: int) -> None:
    """Train the peer's vocabulary; 256 of it are bytes."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=base.rust)
    tokenizer.train_new_from_iterator(lines, vocab_size=new_tokens + 256, show_progress=False)


if __name__ == "__main__":
    run_script(main)
