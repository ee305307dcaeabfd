"""From word vectors to token vectors, in three ways; zeros for unknown tokens.

lift_by_subwords          the model's own vector of the token's text (WECHSEL with fastText)
lift_by_words, frequency  mean of the words that contain the token, weighted by frequency (WECHSEL)
lift_by_words, plain      unweighted mean of the same words (OFA)
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vocabx.errors import VectorsError
from vocabx.progress import Advance
from vocabx.vectors.space import WordVectors

Matrix = NDArray[np.float32]
Encode = Callable[[Sequence[str]], list[list[int]]]

# Words encoded and mixed at a time, which bounds the memory beyond the sums, one row per token.
_BLOCK = 32_768


def lift_by_subwords(texts: Sequence[str | None], vectors: WordVectors) -> Matrix:
    """Return the vector of each token's text, without surrounding white space.

    Args:
        texts: the text of each id; None for tokens that stand for no text.
        vectors: of a model with n-grams.

    Returns:
        (number of texts, S) float32.

    Raises:
        VectorsError: the model has whole words only.
    """
    if vectors.of_text is None:
        raise VectorsError(f"{vectors.origin}: vectors of whole words, without n-grams; use lift_by_words")
    lifted = np.zeros((len(texts), vectors.width), dtype=np.float32)
    for row, text in enumerate(texts):
        if text is not None and (stripped := text.strip()):
            lifted[row] = vectors.of_text(stripped)
    return lifted


def lift_by_words(
    encode: Encode,
    size: int,
    vectors: WordVectors,
    *,
    weighting: Literal["frequency", "plain"],
    casing: bool = False,
    advance: Advance = lambda done: None,
) -> Matrix:
    """Return, for each token, the mean vector of the words that contain it.

    Every word is encoded both as it is and after a space. A word that contains a token in both forms counts
    twice; one that contains it twice in one form counts once.

    Args:
        encode: from texts to ids, see `FastTokenizer.encode`.
        size: one more than the highest id.
        vectors: of words.
        weighting: "frequency" weights words by their counts, or by 1/rank if counts are unknown (Zipf's law;
            inferred); "plain" weights all words equally.
        casing: whether to encode words capitalized too, where that changes them.
        advance: called with the number of words done.

    Returns:
        (size, S) float32.
    """
    weights = _weights(vectors, weighting)
    sums, totals = np.zeros((size, vectors.width)), np.zeros(size)
    for start in range(0, len(vectors.words), _BLOCK):
        words = vectors.words[start : start + _BLOCK]
        contained = _containing(encode, words, size, casing)
        mixing = contained @ sparse.dia_array(
            (weights[start : start + len(words)], 0), shape=(len(words),) * 2
        )
        sums += mixing @ vectors.matrix[start : start + len(words)].astype(np.float64)
        totals += np.asarray(mixing.sum(axis=1)).ravel()
        advance(len(words))
    known = totals > 0
    sums[known] /= totals[known, None]
    return sums.astype(np.float32)


def _weights(vectors: WordVectors, weighting: str) -> NDArray[np.float64]:
    if weighting == "plain":
        return np.ones(len(vectors.words))
    if vectors.counts is None:
        return 1.0 / np.arange(1, len(vectors.words) + 1)
    return vectors.counts.astype(np.float64)


def _containing(
    encode: Encode, words: Sequence[str], size: int, casing: bool
) -> "sparse.csr_array[np.float64]":
    """(size, words): in how many of its forms a word contains a token."""
    forms = [list(enumerate(words)), [(row, " " + word) for row, word in enumerate(words)]]
    if casing:
        # A word that capitalizing does not change, e.g. a Chinese one, must not count twice.
        changed = [(row, word.capitalize()) for row, word in enumerate(words) if word.capitalize() != word]
        forms += [changed, [(row, " " + word) for row, word in changed]]
    keys = np.concatenate([_occurrences(encode, form, len(words)) for form in forms])
    ids, rows = np.divmod(keys, len(words))
    return sparse.csr_array((np.ones(len(keys)), (ids, rows)), shape=(size, len(words)))


def _occurrences(encode: Encode, form: list[tuple[int, str]], words: int) -> NDArray[np.int64]:
    """The distinct keys token * `words` + word, for each token of each text."""
    encoded = encode([text for _, text in form])
    lengths = [len(ids) for ids in encoded]
    rows = np.repeat(np.array([row for row, _ in form], dtype=np.int64), lengths)
    ids = np.fromiter((token for tokens in encoded for token in tokens), dtype=np.int64, count=sum(lengths))
    return np.unique(ids * words + rows)
