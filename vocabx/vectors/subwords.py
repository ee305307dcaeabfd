"""fastText's vector of any text: the mean of its word row, if it has one, and of its n-gram rows.

The row of an n-gram is given by its hash, so different n-grams may share a row. The format is fastText's
(Bojanowski et al. 2017); the hash is gensim's, tested against the original.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need


@dataclass(frozen=True)
class SubwordTable:
    """The part of a fastText model that computes the vector of a text.

    Attributes:
        index: word to row of `words`.
        words: (W, S) float32; each row is already the mean of the word's own row and its n-grams.
        grams: (B, S) float32, one row for each of B hash values; B may be 0.
        shortest, longest: n of the n-grams, in characters, including the markers < and > at the ends.
    """

    index: Mapping[str, int]
    words: NDArray[np.float32]
    grams: NDArray[np.float32]
    shortest: int
    longest: int

    def __call__(self, text: str) -> NDArray[np.float32]:
        """Return the (S,) float32 vector of `text`; zeros if no row applies."""
        row = self.index.get(text)
        if row is not None:
            known: NDArray[np.float32] = self.words[row]
            return known
        hashes: list[int] = []
        if text and len(self.grams):
            hash_grams = need("gensim.models.fasttext", "vectors").ft_ngram_hashes
            hashes = hash_grams(text, self.shortest, self.longest, len(self.grams))
        if not len(hashes):
            return np.zeros(self.words.shape[1], dtype=np.float32)
        mean: NDArray[np.float32] = self.grams[hashes].mean(axis=0, dtype=np.float64).astype(np.float32)
        return mean
