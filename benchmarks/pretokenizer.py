"""Scripts whose vowel signs are marks: words that the pre-tokenizer cuts, and tokens with it kept or widened.

    python benchmarks/pretokenizer.py [BASE ...]

Hindi, Tamil and Thai from the catalogues of Debian's programs (see catalogues.py), on four byte-level bases:
up to 8,000 new tokens, as many as the text supports.
"""

import sys

from catalogues import catalogues, packages, versions
from material import alphabet_of, english_lines, finish, load, measure, sampled

from vocabx.commands.inspect.measure import inspect_tokenizer
from vocabx.corpus.languages import find_language
from vocabx.tokenizer.extension import TokenRequest

BASES = ("GPT-2", "SmolLM2", "Llama 3", "Qwen 2.5")
LANGUAGES = ("hi", "ta", "th")


def main() -> None:
    english = english_lines()
    rows, examples, text, sizes = [], {}, {}, {}
    for tag in LANGUAGES:
        where, language = packages(tag), find_language(tag)
        corpus = sampled(tag, catalogues(tag, where))
        text[tag] = versions(where)
        sizes[tag] = sum(len(line.encode()) for line in corpus.learning)
        for name in sys.argv[1:] or BASES:
            path, base = load(name)
            for adapt in (False, True):
                found = measure(path, base, corpus, english, alphabet_of(tag), TokenRequest(adapt=adapt))
                words = inspect_tokenizer(found.extension.tokenizer, corpus.heldout, language).words
                case = f"{name}, {tag}, {'adapt' if adapt else 'keep'}"
                rows.append(
                    {
                        "base": case,
                        "words cut": f"{words.split / words.total:.1%} of {words.total:,}",
                        **found.row,
                        "English lines changed": found.failed("base-text"),
                        "English words changed": found.failed("pre-tokenizer"),
                        "hostile strings changed": found.failed("other-text"),
                        "round trips lost": found.failed("round-trip"),
                        "base tokens no longer reached": found.failed("base-reachable"),
                        "new tokens never reached": found.failed("reachable"),
                        "transformers disagrees": found.failed("transformers"),
                    }
                )
                examples[case] = found.examples()
    finish("pretokenizer", rows, text=text, learning_bytes=sizes, examples=examples)


if __name__ == "__main__":
    main()
