"""A vocabulary that stays as large: tokens of the base removed, and as many learned in their place.

    python benchmarks/prune.py [--base GPT-2] [--language zh-Hant] [--counts 500 1000 2000]

For each count the base loses its rarest leaves of scripts that neither text has, as `extend --prune` does,
and learns as many tokens; beside it, the whole base learns as many more. English lines, and lines of a text
of other scripts if one is given, are compared piece by piece with the base's tokenization, for ids move.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bases import load_tokenizer, tokenizer_path
from common import Result, finish, machine, new_parser, run_script, timed
from texts import add_text_options, alphabet_of, english_lines, sample_text, size_of

from vocabx.corpus.languages import find_language
from vocabx.errors import TokenizerError
from vocabx.evaluation.fertility import count_tokens
from vocabx.progress import Quiet
from vocabx.tokenizer.extension import TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.prune import rarest_leaves, without

NAME = "prune"


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, base="GPT-2", language="zh-Hant", learn_bytes=2_000_000, lines=2000)
    parser.add_argument("--counts", nargs="+", type=int, default=(500, 1000, 2000), metavar="COUNT")
    add_text_options(parser, "corpus", "base_text")
    parser.add_argument("--other-text", nargs="+", default=(), metavar="PATH", help="of other scripts")
    options = parser.parse_args(arguments)
    base = load_tokenizer(tokenizer_path(options.base))
    corpus = sample_text(options.language, options.corpus, options.learn_bytes)
    texts = {"English": english_lines(options.base_text)[: options.lines]}
    if options.other_text:
        other = [line for path in options.other_text for line in _lines(path)]
        texts["other scripts"] = other[: options.lines]
    rows = [_row(base, corpus, texts, count, options) for count in options.counts]
    result = {
        "machine": machine(),
        "base": options.base,
        "language": options.language,
        "learning bytes": size_of(corpus.learning),
        "heldout bytes": size_of(corpus.heldout),
        "lines": {name: len(lines) for name, lines in texts.items()},
        "rows": rows,
    }
    return finish(options.out, NAME, result)


def _lines(path: str) -> Iterator[str]:
    with Path(path).open(encoding="utf-8") as stream:
        yield from (line.rstrip("\n") for line in stream if line.strip())


def _row(base: FastTokenizer, corpus: Any, texts: dict[str, list[str]], count: int, options: Any) -> Result:
    scripts = (*find_language(options.language).scripts, "Latin")
    usage = base.usage([*corpus.learning[: options.lines], *texts["English"]])
    try:
        pruned = without(base, rarest_leaves(base, usage, scripts, count))
    except TokenizerError as error:
        return {"asked for": count, "refused": str(error)}
    alphabet = alphabet_of(options.language)
    request = TokenRequest(count, strict=False)
    before = count_tokens(base, corpus.heldout)
    row: Result = {"asked for": count, "removed": len(pruned.removed)}
    for name, start in (("pruned", pruned.tokenizer), ("appended", base)):
        made, seconds = timed(
            partial(extend_tokenizer, start, corpus.learning, alphabet, request, start.size, Quiet())
        )
        row[name] = {
            "vocabulary": made.tokenizer.size,
            "new tokens": len(made.pieces),
            "ratio": round(count_tokens(made.tokenizer, corpus.heldout) / before, 4),
            "unchanged": {text: _unchanged(base, made.tokenizer, lines) for text, lines in texts.items()},
            "seconds": round(seconds, 1),
        }
    return row


def _unchanged(base: FastTokenizer, made: FastTokenizer, lines: Sequence[str]) -> float:
    """The share of lines that both tokenize into the same pieces."""
    pairs = zip(base.encode(lines), made.encode(lines), strict=True)
    same = sum(
        [base.id_to_piece[index] for index in old] == [made.id_to_piece[index] for index in new]
        for old, new in pairs
    )
    return round(same / max(1, len(lines)), 4)


if __name__ == "__main__":
    run_script(main)
