"""vocabx inspect: measure how well a tokenizer serves a language."""

import unicodedata
from typing import TYPE_CHECKING, Any

from vocabx.commands.inspect.options import InspectOptions

from .options import command
from .plain_line import json_line

if TYPE_CHECKING:
    from vocabx.commands.inspect.measure import Inspection
    from vocabx.commands.inspect.run import InspectResult


@command(InspectOptions, arguments=("base",), required=("lang",))
def inspect(options: InspectOptions, quiet: bool, as_json: bool) -> None:
    """Measure how well a tokenizer serves a language, before you extend it."""
    from vocabx.commands.inspect.run import inspect as run

    from .progress import TerminalProgress

    result = run(options, TerminalProgress(quiet))
    if as_json:
        print(json_line(result.to_dict()))
    else:
        _print(result)


def _print(result: "InspectResult") -> None:
    from rich.table import Table

    from .console import console, print_lines

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    origin = "" if result.base_origin == "local" else f" ({result.base_origin})"
    table.add_row("tokenizer", f"{result.base}{origin}, {result.inspection.family}")
    table.add_row("text", f"{result.language.name}, {result.corpus}")
    for name, value in _rows(result.inspection):
        table.add_row(name, value)
    console().print(table)
    print_lines(result.verdict)


def _rows(inspection: "Inspection") -> list[tuple[str, str]]:
    from vocabx.commands.inspect.verdict import percent

    ratios, letters = inspection.ratios, inspection.letters
    words, vocabulary = inspection.words, inspection.vocabulary
    occurrences = percent(ratios["single_letter_occurrence_share"])
    rows = [
        ("sample", f"{inspection.characters:,} characters, {inspection.bytes:,} bytes"),
        ("tokens", f"{inspection.tokens:,}"),
        ("characters per token", f"{ratios['characters_per_token']:.2f}"),
        ("bytes per token", f"{ratios['bytes_per_token']:.2f}"),
        ("tokens per word", f"{ratios['tokens_per_word'] or 0:.2f}"),
        ("partial characters", f"{percent(ratios['partial_token_share'])} of the tokens"),
        ("split over several tokens", f"{percent(ratios['split_character_share'])} of the characters"),
        ("unknown", f"{percent(ratios['unknown_share'])} of the characters"),
        (
            "letters with a token",
            f"{letters.single:,} of {letters.distinct:,}, {occurrences} of all occurrences",
        ),
        ("most frequent without", " ".join(_shown(letter) for letter, _ in letters.missing)),
        ("split words", _split_words(ratios)),
        ("for example", ", ".join("|".join(map(_shown, parts)) for parts, _ in words.examples)),
        ("marks removed", f"{percent(ratios['marks_removed_share'])} of {inspection.marks:,}"),
        ("isolated letters", percent(ratios["apart_letter_share"])),
        (
            "tokens of the language",
            f"{vocabulary.of_language:,}, {vocabulary.of_language_long:,} of two characters or more",
        ),
        ("unreachable tokens", f"{vocabulary.unreachable:,} of {vocabulary.checked:,}"),
        ("for example", " ".join(map(repr, vocabulary.unreachable_examples))),
    ]
    absent = {
        "tokens per word": inspection.spaced_words is None,
        "unknown": not inspection.unknown_characters,
        "marks removed": not inspection.marks_removed,
        "isolated letters": not letters.apart_occurrences,
    }
    return [(name, value) for name, value in rows if value and not absent.get(name)]


def _split_words(ratios: dict[str, Any]) -> str:
    from vocabx.commands.inspect.verdict import percent

    after = ratios["split_word_share_adapted"]
    adapted = "" if after is None else f", {percent(after)} with --pretokenizer adapt"
    return f"{percent(ratios['split_word_share'])} by the pre-tokenizer{adapted}"


def _shown(text: str) -> str:
    """A part of a word for a terminal, with a dotted circle as the base of a leading combining mark."""
    return f"◌{text}" if unicodedata.category(text[0]).startswith("M") else text
