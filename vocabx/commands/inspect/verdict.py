"""Sentences that sum up an inspection: what a tokenizer costs a language, and what would help."""

import shlex
from collections.abc import Sequence
from typing import Any

from vocabx.commands.inspect.measure import Inspection
from vocabx.corpus.languages import Language

# Within these bounds, a tokenizer is said to serve the language.
_MOST_MISSING, _MOST_UNKNOWN, _MOST_TOKENS_PER_WORD, _LEAST_PER_TOKEN = 0.02, 0.001, 2.0, 1.0
# Losses and splits below this share are not mentioned.
_NOTABLE = 0.01


def verdict_of(inspection: Inspection, language: Language, command: Sequence[str]) -> list[str]:
    """Sentences that sum up an inspection; the first says whether `command` would help."""
    ratios, words = inspection.ratios, inspection.words
    adapting_helps = words.split_adapted is not None and words.split_adapted < words.split
    remedy = shlex.join([*command, *(["--pretokenizer", "adapt"] if adapting_helps else [])])
    help_ = "it serves the language" if _serves(ratios) else f"{remedy} would help"
    sentences = [f"{_cost(ratios, language)}; {_missing(inspection)}: {help_}."]
    if ratios["split_word_share"] > _NOTABLE:
        after = f"; with --pretokenizer adapt it splits {percent(ratios['split_word_share_adapted'])}"
        sentences.append(
            f"The pre-tokenizer splits {percent(ratios['split_word_share'])} of the words, and no token can "
            f"cross such a boundary{after if adapting_helps else ''}."
        )
    if inspection.marks_removed > _NOTABLE * inspection.characters:
        removed = percent(ratios["marks_removed_share"])
        sentences.append(f"The normalizer removes {removed} of the marks, and no token can restore them.")
    if ratios["apart_letter_share"] > _NOTABLE:
        apart = percent(ratios["apart_letter_share"])
        sentences.append(f"The normalizer isolates {apart} of the letters: no token can hold two of them.")
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
        cost = f"{language.name} takes {1 / per_token:.1f} tokens per character"
    else:
        cost = f"{language.name} gets {per_token:.1f} characters per token"
    return cost if per_word is None else f"{cost}, and a word takes {per_word:.1f} tokens"


def _missing(inspection: Inspection) -> str:
    letters = inspection.letters
    missing = letters.distinct - letters.single
    if not missing:
        return f"each of its {letters.distinct:,} letters has a token of its own"
    return f"{missing:,} of {letters.distinct:,} letters have no token of their own"


def percent(share: float | None) -> str:
    """A share in percent, where 0 % and 100 % mean exactly none and exactly all."""
    hundredths = 100 * (share or 0.0)
    if hundredths in (0, 100):
        return f"{hundredths:.0f} %"
    return "less than 0.1 %" if hundredths < 0.05 else f"{min(hundredths, 99.9):.1f} %"
