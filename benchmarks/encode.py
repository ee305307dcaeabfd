"""Encoding speed: characters a second of the extended tokenizer over the base's, in turn, in one process.

    python benchmarks/encode.py [--new-tokens 8000]

Prints the ratio for Chinese and English text, on one core and on all, as the median of paired rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from common import machine, smollm2, taiwanese_text

from vocabx.corpus.languages import find_language
from vocabx.corpus.source import default_source
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.extension import extend_tokenizer
from vocabx.tokenizer.read_tokenizer import read_tokenizer

ROUNDS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--new-tokens", type=int, default=8000)
    parser.add_argument("--one-process", action="store_true")
    options = parser.parse_args()
    if options.one_process:
        print(json.dumps(ratios(options.new_tokens)))
        return
    # The number of threads is read once, when the library is loaded: a process for each setting.
    results = {"machine": machine(), "new_tokens": options.new_tokens}
    for name, parallel in (("one core", "false"), ("all cores", "true")):
        command = [sys.executable, __file__, "--one-process", "--new-tokens", str(options.new_tokens)]
        run = subprocess.run(
            command,
            env={**os.environ, "TOKENIZERS_PARALLELISM": parallel},
            check=True,
            capture_output=True,
            text=True,
        )
        results[name] = json.loads(run.stdout)
    print(json.dumps(results, indent=2))


def ratios(new_tokens):
    language = find_language("zh-Hant")
    corpus = taiwanese_text(8_000_000, heldout_bytes=1_000_000)
    base = read_tokenizer(smollm2())
    alphabet = Alphabet(language.scripts, language.blocks)
    extended = extend_tokenizer(base, corpus.learning, alphabet, new_tokens, base.size, Quiet()).tokenizer
    english = [document.text for document in default_source(find_language("en")).open()]
    texts = {"zh-Hant, held out": corpus.heldout, "en": english}
    return {name: ratio(base, extended, text) for name, text in texts.items()}


def ratio(base, extended, texts):
    characters = sum(map(len, texts))
    speeds = {"base": [], "extended": []}
    for _ in range(ROUNDS):
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
    main()
