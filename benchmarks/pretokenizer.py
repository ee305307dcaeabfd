"""Scripts whose vowel signs are marks: words that the pre-tokenizer splits, and tokens once it is widened.

    python benchmarks/pretokenizer.py [--bases BASE ...]

Hindi, Tamil and Thai from the catalogues of Debian's programs (see catalogues.py), on four byte-level bases:
up to 8,000 new tokens, as many as the text supports.
"""

from collections.abc import Sequence
from typing import Any

from bases import add_bases_option, load_tokenizer, tokenizer_path
from catalogues import add_catalogue_option, catalogues_of
from common import Result, new_parser, run_script
from measure_extension import add_adversarial_option, finish_table, measure
from texts import add_text_options, alphabet_of, english_lines, sample, size_of

from vocabx.commands.inspect.measure import inspect_tokenizer
from vocabx.corpus.languages import find_language
from vocabx.tokenizer.extension import TokenRequest

BASES = ("GPT-2", "SmolLM2", "Llama 3", "Qwen 2.5")
LANGUAGES = ("hi", "ta", "th")
CLAIMS = {
    "English lines changed": "base-text",
    "English words changed": "pre-tokenizer",
    "adversarial strings changed": "other-text",
    "round trips lost": "round-trip",
    "base tokens no longer reached": "base-reachable",
    "new tokens never reached": "reachable",
    "transformers disagrees": "transformers",
}


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__)
    add_bases_option(parser, BASES)
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=LANGUAGES)
    add_adversarial_option(parser)
    add_text_options(parser, "base_text")
    add_catalogue_option(parser)
    options = parser.parse_args(arguments)
    english = english_lines(options.base_text)
    rows: list[dict[str, Any]] = []
    examples: dict[str, dict[str, list[str]]] = {}
    text: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for tag in options.languages:
        language = find_language(tag)
        text[tag], documents = catalogues_of(tag, options.catalogues)
        corpus = sample(tag, documents)
        sizes[tag] = size_of(corpus.learning)
        for name in options.bases:
            path = tokenizer_path(name)
            base = load_tokenizer(path)
            for adapt in (False, True):
                request = TokenRequest(adapt=adapt)
                found = measure(path, base, corpus, english, alphabet_of(tag), request, options.adversarial)
                words = inspect_tokenizer(found.extension.tokenizer, corpus.heldout, language).words
                case = f"{name}, {tag}, {'adapt' if adapt else 'keep'}"
                split = f"{words.split / words.total:.1%} of {words.total:,}"
                rows.append({"base": case, "words split": split, **found.row, **found.failures(CLAIMS)})
                examples[case] = found.examples()
    return finish_table(options.out, "pretokenizer", rows, text=text, learning_bytes=sizes, examples=examples)


if __name__ == "__main__":
    run_script(main)
