"""A language of the base's own script: what changes in English, and what protecting English costs.

    python benchmarks/protect.py [--lang fr]

German (or French), 100,000 lines, and the English that they were translated from. 8,000 tokens of the
language with none, some and half of the English lines protected. Lines of the other half are held out: they
say what protection does for English that it has not seen.
"""

import argparse

from material import alphabet_of, english_lines, finish, load, measure, members, sampled

from vocabx.corpus.read_text import Document
from vocabx.evaluation.fertility import count_tokens
from vocabx.tokenizer.extension import TokenRequest

NEW_TOKENS = 8000
PROTECTED = (0, 5000, 50_000)
HELDOUT = 20_000
_DOCUMENT_LINES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("de", "fr"), default="de")
    tag = parser.parse_args().lang
    english = [line for _, lines in members("nlp-corpus", "package/builds/*.json") for line in lines]
    # Both halves hold every source.
    seen, heldout, python = english[::2], english[1::2][:HELDOUT], english_lines()
    corpus = sampled(tag, translated(f"{tag}-corpus", set(english)))
    rows, examples = [], {}
    for name in ("GPT-2", "Llama 2"):
        base = load(name)[1]
        old = count_tokens(base, heldout)
        for count in PROTECTED:
            request = TokenRequest(NEW_TOKENS, protected=seen[:count])
            found = measure(None, base, corpus, heldout, alphabet_of(tag), request)
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
                    "hostile strings changed": found.failed("other-text"),
                    "round trips lost": found.failed("round-trip"),
                    "base tokens no longer reached": found.failed("base-reachable"),
                    "new tokens never reached": found.failed("reachable"),
                    "SentencePiece disagrees": found.failed("sentencepiece"),
                }
            )
            examples[case] = found.examples()
    finish("protect" if tag == "de" else f"protect-{tag}", rows, examples=examples)


def translated(package: str, english: set[str]):
    """The translations, a hundred lines a document, without those that say what the English said."""
    for name, pairs in members(package, "package/builds/*.json"):
        lines = [text for text, _ in pairs if text not in english]
        for start in range(0, len(lines), _DOCUMENT_LINES):
            yield Document("\n".join(lines[start : start + _DOCUMENT_LINES]), name, 0)


if __name__ == "__main__":
    main()
