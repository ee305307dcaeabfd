"""Several languages at once: what a text says by its size after bzip2, and how tokens are shared.

    python benchmarks/parity.py [--languages hi ta bn] [--learn-bytes 1000000]

The first part takes the same strings of translated programs (see catalogues.py) in many languages: the
closer their sizes after bzip2 are to each other, compared with their bytes and characters, the better that
size tells how much a text says. The second part extends a tokenizer for several languages at once, learning
from half of the strings of each language, and measures on the same strings of the other half: tokens of each
language over the mean of all of them, which are 1 where all are served equally well.
"""

import bz2
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from bases import load_tokenizer, tokenizer_path
from catalogues import add_catalogue_option, parallel_strings
from common import Result, finish, machine, new_parser, run_script, timed

from vocabx.corpus.several import find_languages
from vocabx.evaluation.fertility import count_tokens
from vocabx.progress import Quiet
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.candidates import LearningTexts
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer

NAME = "parity"
# gettext's names.
MANY = ("hi", "ta", "bn", "ar", "ja", "ko", "vi", "ru", "de", "zh_TW")


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, base="SmolLM2", new_tokens=4000, characters=300_000)
    parser.add_argument("--languages", nargs="+", default=("hi", "ta", "bn"), metavar="LANGUAGE")
    parser.add_argument("--many", nargs="+", default=MANY, metavar="LANGUAGE")
    add_catalogue_option(parser)
    options = parser.parse_args(arguments)
    base = load_tokenizer(tokenizer_path(options.base))
    many = parallel_strings(options.many, options.characters, options.catalogues)
    texts = parallel_strings(options.languages, 2 * options.characters, options.catalogues)
    return finish(
        options.out,
        NAME,
        {
            "machine": machine(),
            "base": options.base,
            "new tokens": options.new_tokens,
            "strings": len(many[0]),
            "information": information(options.many, many, base),
            "strings learned from, held out": [len(texts[0][::2]), len(texts[0][1::2])],
            "shared": shared(options, texts, base),
        },
    )


def information(names: Sequence[str], texts: Sequence[Sequence[str]], base: FastTokenizer) -> Result:
    """Of each language the size of the same text in several measures, over the mean of all languages."""
    joined = ["\n".join(strings) for strings in texts]
    measures = {
        "bzip2": [len(bz2.compress(text.encode())) for text in joined],
        "bytes": [len(text.encode()) for text in joined],
        "characters": [len(text) for text in joined],
        "tokens of the base": [count_tokens(base, strings) for strings in texts],
    }
    found = {}
    for measure, sizes in measures.items():
        over = np.array(sizes) / np.mean(sizes)
        spread = float(np.std(np.log(over)))
        found[measure] = {
            **{name: round(float(one), 3) for name, one in zip(names, over, strict=True)},
            "spread": round(spread, 3),
        }
    return found


def shared(options: Any, texts: Sequence[Sequence[str]], base: FastTokenizer) -> Result:
    """What each way to share the tokens gives each language, on the same strings in all."""
    language = find_languages(",".join(options.languages))
    alphabet = Alphabet(language.scripts, language.blocks)
    learning, heldout = [text[::2] for text in texts], [text[1::2] for text in texts]
    rows: Result = {"base": _row(options.languages, base, base, heldout)}
    equal = tuple(1 / len(texts) for _ in texts)
    for name, balance, shares in (
        ("none", "none", ()), ("equal shares", "none", equal), ("parity", "parity", ()),
    ):  # fmt: skip
        lines = [line for text in learning for line in text]
        given = LearningTexts([[text] for text in learning], balance, shares)  # type: ignore[arg-type]
        request = TokenRequest(options.new_tokens, strict=False, texts=given)
        extension, seconds = timed(
            partial(extend_tokenizer, base, lines, alphabet, request, base.size, Quiet())
        )
        rows[name] = {
            "tokens": len(extension.pieces),
            "seconds": round(seconds, 1),
            **_row(options.languages, base, extension.tokenizer, heldout),
        }
    return rows


def _row(
    names: Sequence[str], base: FastTokenizer, tokenizer: FastTokenizer, texts: Sequence[Sequence[str]]
) -> Result:
    counts = [count_tokens(tokenizer, text) for text in texts]
    before = [count_tokens(base, text) for text in texts]
    mean = float(np.mean(counts))
    return {
        "ratio": {n: round(a / b, 4) for n, a, b in zip(names, counts, before, strict=True)},
        "over the mean": {n: round(count / mean, 3) for n, count in zip(names, counts, strict=True)},
        "worst over best": round(max(counts) / min(counts), 3),
        "all": round(sum(counts) / sum(before), 4),
    }


if __name__ == "__main__":
    run_script(main)
