"""Encoding speed: characters a second of the extended tokenizer over the base's, in turn, in one process.

    python benchmarks/encode.py [--new-tokens 8000]

The ratio for Chinese and English text, on one core and on all, as the median of paired rounds.
"""

import statistics
import time
from collections.abc import Sequence

from bases import load_tokenizer, tokenizer_path
from common import Result, finish, machine, new_parser, run_script, run_worker
from texts import add_text_options, alphabet_of, documents_of, sample_text

from vocabx.corpus.sample_sizes import LEARN_BYTES
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, new_tokens=8000, heldout_bytes=1_000_000, rounds=15)
    add_text_options(parser, "corpus", "base_text")
    options = parser.parse_args(arguments)
    names = ("new_tokens", "heldout_bytes", "rounds", "corpus", "base_text")
    settings = {name: getattr(options, name) for name in names}
    result: Result = {"machine": machine(), "new_tokens": options.new_tokens}
    # The number of threads is read once, when the library is loaded: a process for each setting.
    for name, parallel in (("one core", "false"), ("all cores", "true")):
        result[name] = run_worker(__file__, settings, {"TOKENIZERS_PARALLELISM": parallel})
    return finish(options.out, "encode", result)


def ratios(
    new_tokens: int, heldout_bytes: int, rounds: int, corpus: Sequence[str], base_text: Sequence[str]
) -> Result:
    """What `ratio` says of each text."""
    chinese = sample_text("zh-Hant", corpus, LEARN_BYTES, heldout_bytes)
    base, alphabet = load_tokenizer(tokenizer_path("SmolLM2")), alphabet_of("zh-Hant")
    request = TokenRequest(new_tokens)
    extension = extend_tokenizer(base, chinese.learning, alphabet, request, base.size, Quiet())
    english = [document.text for document in documents_of("en", base_text)]
    texts = {"zh-Hant, held out": chinese.heldout, "en": english}
    return {name: ratio(base, extension.tokenizer, text, rounds) for name, text in texts.items()}


def ratio(base: FastTokenizer, extended: FastTokenizer, texts: Sequence[str], rounds: int) -> Result:
    """Characters a second of both tokenizers, and of the second over the first."""
    characters = sum(map(len, texts))
    speeds: dict[str, list[float]] = {"base": [], "extended": []}
    for _ in range(rounds):
        for name, tokenizer in (("base", base), ("extended", extended)):
            start = time.perf_counter()
            tokenizer.rust.encode_batch_fast(texts, add_special_tokens=False)
            speeds[name].append(characters / (time.perf_counter() - start))
    paired = [e / b for b, e in zip(speeds["base"], speeds["extended"], strict=True)]
    return {
        "base_characters_per_second": round(statistics.median(speeds["base"])),
        "extended_characters_per_second": round(statistics.median(speeds["extended"])),
        "ratio": round(statistics.median(paired), 3),
        "ratio_min_max": [round(min(paired), 3), round(max(paired), 3)],
    }


if __name__ == "__main__":
    run_script(main, ratios)
