"""Extension of real tokenizers of every family: what it brings, and every count that should be zero.

    python benchmarks/families.py

8,000 tokens of Traditional Chinese from 8 MB of the packaged text, then of Russian and Hindi for two bases
each from the catalogues of Debian's programs (see catalogues.py), as many as those support; each extension
with the certificate that `vocabx extend` gives, and 10,000 hostile strings.
"""

from catalogues import catalogues, packages, versions
from common import taiwanese_text
from material import BASES, Measured, alphabet_of, english_lines, finish, load, measure, sampled

from vocabx.tokenizer.extension import TokenRequest

NEW_TOKENS = 8000
FURTHER = {"ru": ("Llama 2", "T5"), "hi": ("Mistral v1", "BERT")}
# Claims by the heading of their column.
ZEROS = {
    "base tokens moved": "base-ids",
    "base tokens no longer reached": "base-reachable",
    "English lines changed": "base-text",
    "hostile strings changed": "other-text",
    "round trips lost": "round-trip",
    "new tokens never reached": "reachable",
    "SentencePiece disagrees": "sentencepiece",
    "transformers disagrees": "transformers",
    "special tokens changed": "special-tokens",
    "new tokens unused": "used",
}


def main() -> None:
    english = english_lines()
    rows, examples, text = [], {}, {"zh-Hant": "packaged text, 8 MB sampled"}
    corpora = {"zh-Hant": taiwanese_text(8_000_000)}
    for language in FURTHER:
        where = packages(language)
        corpora[language] = sampled(language, catalogues(language, where))
        text[language] = versions(where)
    for language, names in {"zh-Hant": tuple(BASES), **FURTHER}.items():
        for name in names:
            path, base = load(name)
            # The catalogues are small, and BERT takes characters alone: as many as the text supports.
            request = TokenRequest(NEW_TOKENS if language == "zh-Hant" and name != "BERT" else None)
            found = measure(path, base, corpora[language], english, alphabet_of(language), request)
            rows.append({"base": f"{name}, {language}", "family": base.family, **found.row, **zeros(found)})
            examples[f"{name}, {language}"] = found.examples()
    sizes = {tag: sum(len(line.encode()) for line in corpus.learning) for tag, corpus in corpora.items()}
    finish("families", rows, text=text, learning_bytes=sizes, examples=examples)


def zeros(found: Measured) -> dict[str, str]:
    return {heading: found.failed(claim) for heading, claim in ZEROS.items()}


if __name__ == "__main__":
    main()
