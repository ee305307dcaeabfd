"""Units of text that are hidden together: words, and what no compared tokenizer divides further.

A unit is a word by the language's segmentation, with the white space before it, or a character outside words.
Units that a token reaches across become one, for each tokenizer that is given: all of them then divide the
text at the same places, so that what is hidden is the same text for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import Packages
from vocabx.corpus.languages import WITHOUT_SPACES, Language
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.vectors.words import segmentation_packages, word_spans

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Units:
    """The units of a text of n characters.

    Attributes:
        of_character: (n,) int64, the number of the unit of each character, ascending from 0.
    """

    of_character: Ints

    def of_tokens(self, offsets: Sequence[tuple[int, int]]) -> Ints:
        """The unit of each token, by where in the text tokens begin and end."""
        starts = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)[:, 0]
        if not len(self.of_character):
            return np.zeros(len(starts), dtype=np.int64)
        return self.of_character[np.minimum(starts, len(self.of_character) - 1)]

    def bytes(self, text: str) -> Ints:
        """UTF-8 bytes of each unit of the text, (units,)."""
        return np.bincount(self.of_character, character_bytes(text)).astype(np.int64)


def segmentation_of(language: Language) -> str:
    """How a language is divided into words: as its profile says, else by whether its scripts have spaces.

    Several languages that differ in this are divided into grapheme clusters.
    """
    if language.parts:
        found = {segmentation_of(one) for one in language.parts}
        return found.pop() if len(found) == 1 else "none"
    if language.segmentation == "spaces" and language.scripts and set(language.scripts) <= WITHOUT_SPACES:
        return "none"
    return language.segmentation


def units_packages(languages: Sequence[Language]) -> Packages:
    """The packages that dividing texts in these languages needs."""
    found: dict[str, str] = {}
    for language in languages:
        found |= segmentation_packages(segmentation_of(language))
    return found


@dataclass(frozen=True)
class Encoded:
    """The tokens of a text: ids, and where in the text each begins and ends, in characters."""

    ids: list[int]
    offsets: list[tuple[int, int]]


def encoded(tokenizer: FastTokenizer, texts: Sequence[str]) -> list[Encoded]:
    """The tokens of each text, without special tokens around it."""
    found = tokenizer.rust.encode_batch(list(texts), add_special_tokens=False)
    return [Encoded(one.ids, one.offsets) for one in found]


def character_bytes(text: str) -> Ints:
    """UTF-8 bytes of each character of a text, (n,)."""
    return np.fromiter((len(character.encode()) for character in text), np.int64, len(text))


def units_of(text: str, spans: Sequence[tuple[int, int]], tokenized: Sequence[Encoded]) -> Units:
    """The units of a text.

    Args:
        text: the text.
        spans: its words, see `word_spans`.
        tokenized: its tokens under each tokenizer.
    """
    # How many words and tokens reach across each place between two characters.
    across = np.zeros(len(text) + 1, dtype=np.int64)
    for pairs in (spans, *(one.offsets for one in tokenized)):
        ends = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        ends = ends[ends[:, 1] > ends[:, 0] + 1]
        np.add.at(across, ends[:, 0] + 1, 1)
        np.add.at(across, ends[:, 1], -1)
    inside = np.cumsum(across)[: len(text)] > 0
    # White space belongs to what follows it.
    inside[1:] |= np.fromiter(map(str.isspace, text), bool, len(text))[:-1]
    inside[:1] = False
    return Units(np.cumsum(~inside) - 1)


def common_units(
    texts: Sequence[str], segmentation: str, tokenizers: Sequence[FastTokenizer]
) -> dict[str, Units]:
    """The units of each text that several tokenizers have in common, by text.

    Args:
        texts: passages.
        segmentation: of their language, see `vectors.words`.
        tokenizers: of all models that are scored on them.

    Raises:
        MissingPackageError: a package that the segmentation needs is not installed.
    """
    each = [encoded(tokenizer, texts) for tokenizer in tokenizers]
    return {
        text: units_of(text, word_spans(text, segmentation), [row[n] for row in each])
        for n, text in enumerate(texts)
    }
