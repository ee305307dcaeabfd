"""Extension of real tokenizers of every family: what it brings, and every count that should be zero.

    python benchmarks/families.py

8,000 tokens of Traditional Chinese from 8 MB of the packaged text, then of Russian and Hindi for two bases
each from the catalogues of Debian's programs (see catalogues.py), as many as those support; each extension
with the certificate that `vocabx extend` gives, and 10,000 adversarial strings.
"""

from collections.abc import Sequence
from typing import Any

from bases import TOKENIZERS, load_tokenizer, tokenizer_path
from catalogues import add_catalogue_option, catalogues_of
from common import Result, new_parser, run_script
from measure_extension import add_adversarial_option, finish_table, measure
from texts import add_text_options, alphabet_of, english_lines, sample, sample_text, size_of

from vocabx.tokenizer.extension import TokenRequest

BASES = {"zh-Hant": tuple(TOKENIZERS), "ru": ("Llama 2", "T5"), "hi": ("Mistral v1", "BERT")}


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, new_tokens=8000)
    parser.add_argument("--languages", nargs="+", choices=BASES, default=tuple(BASES))
    parser.add_argument("--bases", nargs="+", metavar="BASE", help="of every language; default: as above")
    add_adversarial_option(parser)
    add_text_options(parser, "corpus", "base_text")
    add_catalogue_option(parser)
    options = parser.parse_args(arguments)
    english = english_lines(options.base_text)
    rows: list[dict[str, Any]] = []
    examples: dict[str, dict[str, list[str]]] = {}
    text: dict[str, str | list[str]] = {}
    sizes: dict[str, int] = {}
    for language in options.languages:
        if language == "zh-Hant":
            corpus = sample_text(language, options.corpus)
            text[language] = ", ".join(options.corpus) or "packaged text, 8 MB sampled"
        else:
            text[language], documents = catalogues_of(language, options.catalogues)
            corpus = sample(language, documents)
        sizes[language] = size_of(corpus.learning)
        for name in options.bases or BASES[language]:
            path = tokenizer_path(name)
            base = load_tokenizer(path)
            # The catalogues are small, and BERT takes characters alone: as many as the text supports.
            exact = language == "zh-Hant" and name != "BERT"
            request = TokenRequest(options.new_tokens if exact else None)
            found = measure(path, base, corpus, english, alphabet_of(language), request, options.adversarial)
            case = f"{name}, {language}"
            rows.append({"base": case, "family": base.family, **found.row, **found.failures()})
            examples[case] = found.examples()
    return finish_table(options.out, "families", rows, text=text, learning_bytes=sizes, examples=examples)


if __name__ == "__main__":
    run_script(main)
