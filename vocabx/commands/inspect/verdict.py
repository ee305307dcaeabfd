"""The sentences that sum an inspection up: what a tokenizer costs a language, and what would help."""

import shlex
from collections.abc import Sequence
from typing import Any

from vocabx.commands.inspect.measure import Inspection
from vocabx.corpus.languages import Language

# A tokenizer within these bounds is said to serve the language.
_MOST_MISSING, _MOST_UNKNOWN, _MOST_TOKENS_PER_WORD, _LEAST_PER_TOKEN = 0.02, 0.001, 2.0, 1.0
# What is lost or split less often than this is not worth a sentence.
_NOTABLE = 0.01


def verdict_of(inspection: Inspection, language: Language, command: Sequence[str]) -> list[str]:
    """The sentences that sum an inspection up; the first says whether `command` would help."""
    ratios, words = inspection.ratios, inspection.words
    healed = words.cut_adapted is not None and words.cut_adapted < words.cut
    remedy = shlex.join([*command, *(["--pretokenizer", "adapt"] if healed else [])])
    help_ = "it serves the language" if _serves(ratios) else f"{remedy} would help"
    sentences = [f"{_cost(ratios, language)}; {_missing(inspection)}: {help_}."]
    if ratios["cut_word_share"] > _NOTABLE:
        after = f"; with --pretokenizer adapt it splits {percent(ratios['cut_word_share_adapted'])}"
        sentences.append(
            f"The pre-tokenizer splits {percent(ratios['cut_word_share'])} of the words, and no token can "
            f"reach across a boundary{after if healed else ''}."
        )
    if inspection.marks_removed > _NOTABLE * inspection.characters:
        removed = percent(ratios["marks_removed_share"])
        sentences.append(f"The normalizer takes away {removed} of the marks, and no token brings them back.")
    if ratios["apart_letter_share"] > _NOTABLE:
        apart = percent(ratios["apart_letter_share"])
        sentences.append(f"The normalizer sets {apart} of the letters apart: no token can hold two of these.")
    return sentences


def _serves(ratios: dict[str, Any]) -> bool:
    if ratios["tokens_per_word"] is None:
        short = ratios["characters_per_token"] >= _LEAST_PER_TOKEN
    else:
        short = ratios["tokens_per_word"] <= _MOST_TOKENS_PER_WORD
    missing = 1 - ratios["single_letter_occurrence_share"]
    return bool(short and missing <= _MOST_MISSING and ratios["unknown_share"] <= _MOST_UNKNOWN)


def _cost(ratios: dict[str, Any], language: Language) -> str:
    if ratios["unknown_share"] > _NOTABLE:
        lost = percent(ratios["unknown_share"])
        return f"{lost} of the characters of {language.name} text are lost to the unknown token"
    per_token, per_word = ratios["characters_per_token"], ratios["tokens_per_word"]
    if per_token < 1:
        cost = f"{language.name} takes {1 / per_token:.1f} tokens a character"
    else:
        cost = f"{language.name} gets {per_token:.1f} characters into a token"
    return cost if per_word is None else f"{cost}, and a word takes {per_word:.1f} tokens"


def _missing(inspection: Inspection) -> str:
    letters = inspection.letters
    missing = letters.distinct - letters.single
    if not missing:
        return f"each of its {letters.distinct:,} letters has a token of its own"
    return f"{missing:,} of {letters.distinct:,} letters have no token of their own"


def percent(share: float | None) -> str:
    """A share for people: no 0.0 for what is there, nor 100.0 for what is not all."""
    hundredths = 100 * (share or 0.0)
    if hundredths in (0, 100):
        return f"{hundredths:.0f} %"
    return "less than 0.1 %" if hundredths < 0.05 else f"{min(hundredths, 99.9):.1f} %"
