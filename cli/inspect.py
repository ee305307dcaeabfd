"""vocabx inspect: how well a tokenizer serves a language, before anything is done."""

import json
import shlex
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vocabx.options import ExtendOptions, help_of

if TYPE_CHECKING:
    from vocabx.corpus.source import TextSource
    from vocabx.evaluation.inspection import Inspection
    from vocabx.languages import Language

DEFAULTS = ExtendOptions()
_BASE = "An alias, a hub id, a directory, a .gguf file, a tokenizer.json or a SentencePiece .model."
# A tokenizer within these bounds is said to serve the language.
_MOST_MISSING, _MOST_UNKNOWN, _MOST_TOKENS_PER_WORD, _LEAST_PER_TOKEN = 0.02, 0.001, 2.0, 1.0
_FEW_LETTERS = 0.5
# What is lost or cut less often than this is not worth a sentence.
_NOTABLE = 0.01


def inspect(
    base: Annotated[str, typer.Argument(help=_BASE, metavar="BASE")],
    lang: Annotated[str, typer.Option(help="Language to look at, a BCP 47 tag such as zh-Hant.")],
    corpus: Annotated[list[str] | None, typer.Option(help=help_of("corpus"), metavar="<path>")] = None,
    text_field: Annotated[str, typer.Option(help=help_of("text_field"))] = DEFAULTS.text_field,
    opencc: Annotated[str, typer.Option(help=help_of("opencc"))] = DEFAULTS.opencc,
    sample_bytes: Annotated[
        int, typer.Option(help="Bytes of text to look at, sampled from the corpus.")
    ] = 2_000_000,
    seed: Annotated[int, typer.Option(help=help_of("seed"))] = DEFAULTS.seed,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """Say how well a tokenizer serves a language, before anything is done."""
    from vocabx.checkpoint.base import find_tokenizer_base
    from vocabx.corpus.sample import sample_corpus
    from vocabx.corpus.source import peek
    from vocabx.evaluation.inspection import inspect_tokenizer
    from vocabx.languages import find_language, with_scripts_of
    from vocabx.tokenizer.read import read_tokenizer

    from .terminal import TerminalProgress

    _check_numbers(sample_bytes, seed)
    language = find_language(lang)
    source = _source(language, corpus or (), text_field, opencc)
    progress = TerminalProgress()
    found = find_tokenizer_base(base, progress)
    tokenizer = read_tokenizer(found.directory)
    language = with_scripts_of(language, peek(source))
    with progress.stage("Reading text", source.bytes, "B") as advance:
        sample = sample_corpus(source.open(), language.scripts, sample_bytes, 0, seed, advance)
    if sample.script_share < _FEW_LETTERS:
        progress.note(
            f"Only {_share(sample.script_share)} of the letters of this text are of "
            f"{' or '.join(language.scripts)} script: check --lang and --corpus."
        )
    with progress.stage("Inspecting", len(sample.learning) + len(tokenizer.token_bytes)) as advance:
        inspection = inspect_tokenizer(tokenizer, sample.learning, language, advance)
    command = ["vocabx", "extend", "--base", base, "--lang", lang]
    command += [word for path in corpus or () for word in ("--corpus", path)]
    command += ["--opencc", opencc] if opencc else []
    command += [] if (found.directory / "config.json").is_file() else ["--tokenizer-only"]
    about = {
        "base": base,
        "base_origin": found.origin,
        "language": language.tag,
        "scripts": list(language.scripts),
        "corpus": source.description,
        "script_share": sample.script_share,
    }
    verdict = _verdict(inspection, language, command)
    if as_json:
        print(json.dumps({**about, **inspection.to_dict(), "verdict": verdict}, ensure_ascii=False))
    else:
        _print(about, language, inspection, verdict)


def _check_numbers(sample_bytes: int, seed: int) -> None:
    from vocabx.errors import CorpusError

    if sample_bytes < 1000:
        raise CorpusError(f"--sample-bytes is {sample_bytes}: pass at least 1000")
    if not 0 <= seed < 2**32:
        raise CorpusError(f"--seed is {seed}: pass a number from 0 to {2**32 - 1}")


def _source(language: "Language", corpus: Sequence[str], text_field: str, opencc: str) -> "TextSource":
    from vocabx.corpus.source import default_source, user_source
    from vocabx.errors import CorpusError

    if corpus:
        return user_source(corpus, text_field, opencc)
    if opencc:
        raise CorpusError("--opencc converts the text of --corpus, and there is none: pass both or neither")
    return default_source(language)


def _verdict(inspection: "Inspection", language: "Language", command: Sequence[str]) -> list[str]:
    """The sentences that sum an inspection up; the first says whether `command` would help."""
    ratios, words = inspection.ratios, inspection.words
    healed = words.cut_adapted is not None and words.cut_adapted < words.cut
    remedy = shlex.join([*command, *(["--pretokenizer", "adapt"] if healed else [])])
    help_ = "it serves the language" if _serves(ratios) else f"{remedy} would help"
    sentences = [f"{_cost(ratios, language)}; {_missing(inspection)}: {help_}."]
    if ratios["cut_word_share"] > _NOTABLE:
        after = f"; with --pretokenizer adapt it cuts {_share(ratios['cut_word_share_adapted'])}"
        sentences.append(
            f"The pre-tokenizer cuts {_share(ratios['cut_word_share'])} of the words, and no token can reach "
            f"across a cut{after if healed else ''}."
        )
    if inspection.marks_removed > _NOTABLE * inspection.characters:
        removed = _share(ratios["marks_removed_share"])
        sentences.append(f"The normalizer takes away {removed} of the marks, and no token brings them back.")
    if ratios["apart_letter_share"] > _NOTABLE:
        apart = _share(ratios["apart_letter_share"])
        sentences.append(f"The normalizer sets {apart} of the letters apart: no token can hold two of these.")
    return sentences


def _serves(ratios: dict[str, Any]) -> bool:
    if ratios["tokens_per_word"] is None:
        short = ratios["characters_per_token"] >= _LEAST_PER_TOKEN
    else:
        short = ratios["tokens_per_word"] <= _MOST_TOKENS_PER_WORD
    missing = 1 - ratios["single_letter_occurrence_share"]
    return bool(short and missing <= _MOST_MISSING and ratios["unknown_share"] <= _MOST_UNKNOWN)


def _cost(ratios: dict[str, Any], language: "Language") -> str:
    if ratios["unknown_share"] > _NOTABLE:
        lost = _share(ratios["unknown_share"])
        return f"{lost} of the characters of {language.name} text are lost to the unknown token"
    per_token, per_word = ratios["characters_per_token"], ratios["tokens_per_word"]
    if per_token < 1:
        cost = f"{language.name} takes {1 / per_token:.1f} tokens a character"
    else:
        cost = f"{language.name} gets {per_token:.1f} characters into a token"
    return cost if per_word is None else f"{cost}, and a word takes {per_word:.1f} tokens"


def _missing(inspection: "Inspection") -> str:
    letters = inspection.letters
    missing = letters.distinct - letters.single
    if not missing:
        return f"each of its {letters.distinct:,} letters has a token of its own"
    return f"{missing:,} of {letters.distinct:,} letters have no token of their own"


def _print(
    about: dict[str, Any], language: "Language", inspection: "Inspection", verdict: Sequence[str]
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    origin = "" if about["base_origin"] == "local" else f" ({about['base_origin']})"
    table.add_row("tokenizer", Text(f"{about['base']}{origin}, {inspection.family}"))
    table.add_row("text", Text(f"{language.name}, {about['corpus']}"))
    for name, value in _rows(inspection):
        table.add_row(name, Text(value))
    console = Console()
    console.print(table)
    for sentence in verdict:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _rows(inspection: "Inspection") -> list[tuple[str, str]]:
    ratios, letters = inspection.ratios, inspection.letters
    words, vocabulary = inspection.words, inspection.vocabulary
    written = _share(ratios["single_letter_occurrence_share"])
    rows = [
        ("looked at", f"{inspection.characters:,} characters, {inspection.bytes:,} bytes"),
        ("tokens", f"{inspection.tokens:,}"),
        ("characters per token", f"{ratios['characters_per_token']:.2f}"),
        ("bytes per token", f"{ratios['bytes_per_token']:.2f}"),
        ("tokens per word", f"{ratios['tokens_per_word'] or 0:.2f}"),
        ("parts of characters", f"{_share(ratios['partial_token_share'])} of the tokens"),
        ("in several tokens", f"{_share(ratios['split_character_share'])} of the characters"),
        ("lost as unknown", f"{_share(ratios['unknown_share'])} of the characters"),
        (
            "letters that are a token",
            f"{letters.single:,} of {letters.distinct:,}, {written} of what is written",
        ),
        ("most frequent others", " ".join(_shown(letter) for letter, _ in letters.missing)),
        ("words cut", _cut_words(ratios)),
        ("as in", ", ".join("|".join(map(_shown, parts)) for parts, _ in words.examples)),
        ("marks taken away", f"{_share(ratios['marks_removed_share'])} of {inspection.marks:,}"),
        ("letters set apart", _share(ratios["apart_letter_share"])),
        (
            "tokens of the language",
            f"{vocabulary.of_language:,}, {vocabulary.of_language_long:,} of two characters or more",
        ),
        ("tokens never reached", f"{vocabulary.unreachable:,} of {vocabulary.checked:,}"),
        ("such as", " ".join(map(repr, vocabulary.unreachable_examples))),
    ]
    absent = {
        "tokens per word": inspection.spaced_words is None,
        "lost as unknown": not inspection.unknown_characters,
        "marks taken away": not inspection.marks_removed,
        "letters set apart": not letters.apart_occurrences,
    }
    return [(name, value) for name, value in rows if value and not absent.get(name)]


def _cut_words(ratios: dict[str, Any]) -> str:
    after = ratios["cut_word_share_adapted"]
    adapted = "" if after is None else f", {_share(after)} with --pretokenizer adapt"
    return f"{_share(ratios['cut_word_share'])} by the pre-tokenizer{adapted}"


def _share(share: float | None) -> str:
    percent = 100 * (share or 0.0)
    if percent in (0, 100):
        return f"{percent:.0f} %"
    # Not 0.0 for what is there, nor 100.0 for what is not all.
    return "less than 0.1 %" if percent < 0.05 else f"{min(percent, 99.9):.1f} %"


def _shown(text: str) -> str:
    """A part of a word for a terminal, where a mark needs something to stand on."""
    return f"◌{text}" if unicodedata.category(text[0]).startswith("M") else text
