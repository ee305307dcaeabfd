"""Documents that are nearly the same as an earlier one, by MinHash and locality-sensitive hashing.

The package rensa computes the signatures. The index here has a fixed size, so that memory does not grow with
the text: what is further back than a million documents is forgotten.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import Packages, need
from vocabx.corpus.ngrams import ngram_hashes

PACKAGES: Packages = {"rensa": "quality"}
# Shares of n-grams in common. Two texts of one domain have less than 0.2, and a copy in which every twentieth
# character was changed about 0.7.
SIMILAR = 0.5
_PERMUTATIONS, _BANDS = 128, 32
_SLOTS, _REMEMBERED = 1 << 19, 1 << 20
# Characters of a document that are compared, from its beginning.
_COMPARED = 4000
# Fewer n-grams say little: common phrases would be near-duplicates.
_FEWEST = 40
_SHORT, _LONG = 3, 5
_SEED = 42
_DENSE = {"Han", "Hiragana", "Katakana", "Hangul", "Bopomofo", "Yi"}


class NearDuplicates:
    """The documents seen so far.

    Args:
        scripts: of the language. N-grams have 3 characters where a character is about a syllable, else 5.

    Raises:
        MissingPackageError: rensa is not installed.
    """

    def __init__(self, scripts: Iterable[str]) -> None:
        self._minhash = need("rensa", "quality").RMinHash
        self._size = _SHORT if _DENSE & set(scripts) else _LONG
        # The latest document, counted from 1, with each band of the signature; 0 for none.
        self._latest = np.zeros((_BANDS, _SLOTS), dtype=np.int32)
        self._signatures = np.zeros((_REMEMBERED, _PERMUTATIONS), dtype=np.uint8)
        self._count = 0

    def add(self, texts: Sequence[str]) -> list[float]:
        """The similarity of each text to the earlier one most similar to it, 0 if that is below `SIMILAR`.

        Texts with 0 are remembered.
        """
        if not texts:
            return []
        compared = ["".join(text[: 2 * _COMPARED].split())[:_COMPARED] for text in texts]
        hashes, offsets = ngram_hashes(compared, self._size)
        matrix = self._minhash.digest_matrix_from_flat_token_hashes(
            hashes, offsets.tolist(), _PERMUTATIONS, _SEED
        )
        signatures = np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(texts), _PERMUTATIONS)
        slots, short = _slots(signatures), signatures.astype(np.uint8)
        enough = np.diff(offsets) >= _FEWEST
        return [self._add(slots[row], short[row]) if enough[row] else 0.0 for row in range(len(texts))]

    def _add(self, slots: NDArray[np.int64], signature: NDArray[np.uint8]) -> float:
        bands = np.arange(_BANDS)
        found = self._latest[bands, slots]
        found = np.unique(found[found > self._count - _REMEMBERED])
        found = found[found > 0]
        if len(found):
            equal = (self._signatures[(found - 1) % _REMEMBERED] == signature).mean(axis=1)
            if (best := float(equal.max())) >= SIMILAR:
                return best
        self._signatures[self._count % _REMEMBERED] = signature
        self._count += 1
        self._latest[bands, slots] = self._count
        return 0.0


def _slots(signatures: NDArray[np.uint32]) -> NDArray[np.int64]:
    """For each signature the slot of each of its bands, int64 (texts, bands)."""
    rows = signatures.reshape(len(signatures), _BANDS, -1).astype(np.uint64)
    keys = np.zeros(rows.shape[:2], dtype=np.uint64)
    for place in range(rows.shape[2]):
        keys = (keys ^ rows[:, :, place]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return (keys % np.uint64(_SLOTS)).astype(np.int64)
