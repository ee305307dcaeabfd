"""Tokens with marks of the units that are hidden together, as a packed text stores them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx.evaluation.units import Encoded, encoded, units_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.masking import Masked
from vocabx.training.packed import FIRST, NEXT
from vocabx.vectors.tagged_words import tagged_spans
from vocabx.vectors.words import word_spans


@dataclass(frozen=True)
class Marker:
    """Tokenizes texts and marks their units.

    Attributes:
        tokenizer: the tokenizer.
        segmentation: of the language, see `vectors.words`.
        kind: "words" for all units, "entities" for nouns, verbs and named entities alone.
    """

    tokenizer: FastTokenizer
    segmentation: str
    kind: Masked = "words"

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, with marks."""
        return [
            self._marked(text, tokens).tolist()
            for text, tokens in zip(texts, encoded(self.tokenizer, texts), strict=True)
        ]

    def _marked(self, text: str, tokens: Encoded) -> NDArray[np.uint32]:
        """Ids with marks, (n,)."""
        ids = np.asarray(tokens.ids, dtype=np.uint32)
        if not len(ids):
            return ids
        units = units_of(text, word_spans(text, self.segmentation), [tokens]).of_tokens(tokens.offsets)
        marks = np.where(np.r_[True, units[1:] != units[:-1]], FIRST, NEXT)
        if self.kind == "entities":
            marks[~self._within(text, tokens)] = 0
            # One that begins in the middle of a unit, behind a prefix that is no part of the entity.
            marks[(marks == NEXT) & (np.r_[np.uint32(0), marks[:-1]] == 0)] = FIRST
        return ids | marks

    def _within(self, text: str, tokens: Encoded) -> NDArray[np.bool_]:
        """Whether each token begins inside a noun, a verb or a named entity."""
        inside = np.zeros(len(text), dtype=bool)
        for start, end in tagged_spans(text, self.segmentation):
            inside[start:end] = True
        pairs = np.asarray(tokens.offsets, dtype=np.int64).reshape(-1, 2)
        # A token with the white space before a word begins where the word begins.
        last = np.clip(pairs[:, 1] - 1, 0, len(text) - 1)
        return inside[np.minimum(pairs[:, 0], len(text) - 1)] | inside[last]
