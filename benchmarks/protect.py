"""A language of the base's own script: what changes in English, and what protecting English costs.

    python benchmarks/protect.py [--lang fr]

German (or French), 100,000 lines, and the English that they were translated from. 8,000 tokens of the
language with none, some and half of the English lines protected. Lines of the other half are held out: they
say what protection does for English that it has not seen.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bases import add_bases_option, load_tokenizer, tokenizer_path
from common import Result, new_parser, run_script
from measure_extension import add_adversarial_option, finish_table, measure
from texts import (
    add_text_options,
    alphabet_of,
    documents_of,
    english_lines,
    in_documents,
    members,
    sample,
)

from vocabx.corpus.document import Document
from vocabx.evaluation.fertility import count_tokens
from vocabx.tokenizer.extension import TokenRequest

BASES = ("GPT-2", "Llama 2")
PROTECTED = (0, 5000, 50_000)
CLAIMS = {
    "adversarial strings changed": "other-text",
    "round trips lost": "round-trip",
    "base tokens no longer reached": "base-reachable",
    "new tokens never reached": "reachable",
    "SentencePiece disagrees": "sentencepiece",
}


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, new_tokens=8000, heldout_lines=20_000)
    parser.add_argument("--lang", choices=("de", "fr"), default="de")
    add_bases_option(parser, BASES)
    parser.add_argument("--protected", nargs="+", type=int, default=PROTECTED, help="numbers of lines")
    add_adversarial_option(parser)
    add_text_options(parser, "corpus", "base_text")
    options = parser.parse_args(arguments)
    tag = options.lang
    english = english_of(options.base_text)
    # Both halves hold every source.
    seen, heldout = english[::2], english[1::2][: options.heldout_lines]
    python = english_lines()
    corpus = sample(tag, text_of(tag, options.corpus, set(english)))
    rows: list[dict[str, Any]] = []
    examples: dict[str, dict[str, list[str]]] = {}
    for name in options.bases:
        base = load_tokenizer(tokenizer_path(name))
        old = count_tokens(base, heldout)
        for count in options.protected:
            request = TokenRequest(options.new_tokens, protected=seen[:count])
            found = measure(None, base, corpus, heldout, alphabet_of(tag), request, options.adversarial)
            extended = found.extension.tokenizer
            changed = sum(a != b for a, b in zip(base.encode(python), extended.encode(python), strict=True))
            case = f"{name}, {tag}, {count:,} protected"
            rows.append(
                {
                    "base": case,
                    **found.row,
                    "protected lines changed": found.failed("protected"),
                    "held-out English changed": found.failed("base-text"),
                    "Python's help changed": f"{changed} of {len(python):,}",
                    "held-out English ratio": round(count_tokens(extended, heldout) / old, 4),
                    **found.failures(CLAIMS),
                }
            )
            examples[case] = found.examples()
    return finish_table(options.out, "protect" if tag == "de" else f"protect-{tag}", rows, examples=examples)


def english_of(paths: Sequence[str]) -> list[str]:
    """Lines of English: of the files `paths`, or those that the translations were made of."""
    if paths:
        texts = (document.text.split("\n") for document in documents_of("en", paths))
        return [line for lines in texts for line in lines if line.strip()]
    return [line for _, lines in members("nlp-corpus", "package/builds/*.json") for line in lines]


def text_of(tag: str, paths: Sequence[str], english: set[str]) -> Iterator[Document]:
    """Text of the language: the files `paths`, or translations that do not say what the English said."""
    if paths:
        yield from documents_of(tag, paths)
        return
    for name, pairs in members(f"{tag}-corpus", "package/builds/*.json"):
        yield from in_documents([text for text, _ in pairs if text not in english], name)


if __name__ == "__main__":
    run_script(main)
