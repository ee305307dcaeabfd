"""How expected a text is under the n-grams of characters of others: a ranking for which nothing is compiled.

An interpolated model of 5-grams with Witten and Bell's smoothing (as in Chen and Goodman, 1998), of hashed
n-grams in sorted arrays:

    p(c | h) = (count(h c) + types(h) p(c | h')) / (count(h) + types(h))

with h' the context h without its first character, and types(h) the number of different characters after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx.corpus.ngrams import Hashes, ngram_hashes

ORDER = 5
# What texts begin after.
_BEFORE = "\n" * (ORDER - 1)

Reals = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class _Counted:
    """Sorted keys with a number for each, 0 for any other key."""

    keys: Hashes
    counts: Counts

    def of(self, keys: Hashes) -> Counts:
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.int64)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.counts[places], 0)


@dataclass(frozen=True)
class _Order:
    """The n-grams of one length; of their contexts, how often each occurs and before how many characters."""

    ngrams: _Counted
    contexts: _Counted
    types: _Counted


class CharacterModel:
    """The model of some texts.

    Args:
        texts: what it is made of; without any, all characters are equally likely.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._orders = [_counted(*_ngrams(texts, size)) for size in range(1, ORDER + 1)]
        # One more for all characters that do not occur.
        self._characters = len(self._orders[0].ngrams.keys) + 1

    def of(self, texts: Sequence[str]) -> list[float]:
        """The perplexity of each text per character; 1 for an empty one."""
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        likely = np.full(int(lengths.sum()), 1 / self._characters)
        for size, order in enumerate(self._orders, 1):
            ngrams, contexts = _ngrams(texts, size)
            types = order.types.of(contexts)
            seen = order.contexts.of(contexts) + types
            found = order.ngrams.of(ngrams) + types * likely
            likely = np.where(seen > 0, found / np.maximum(seen, 1), likely)
        sums = np.concatenate([[0.0], np.cumsum(np.log(likely))])
        ends = np.cumsum(lengths)
        means = (sums[ends] - sums[ends - lengths]) / np.maximum(lengths, 1)
        perplexities: list[float] = np.exp(-means).tolist()
        return perplexities


def _ngrams(texts: Sequence[str], size: int) -> tuple[Hashes, Hashes]:
    """For each character of the texts, the n-gram that ends with it, and the one before it: (n,) each."""
    padded = [_BEFORE + text for text in texts]
    hashes, offsets = ngram_hashes(padded, size)
    ngrams = _of_each(hashes, offsets, texts, ORDER - size)
    if size == 1:
        return ngrams, np.zeros(len(ngrams), dtype=np.uint64)
    shorter, offsets = ngram_hashes(padded, size - 1)
    return ngrams, _of_each(shorter, offsets, texts, ORDER - size)


def _of_each(hashes: Hashes, offsets: Counts, texts: Sequence[str], begin: int) -> Hashes:
    parts: Iterator[Hashes] = (
        hashes[at + begin : at + begin + len(text)]
        for at, text in zip(offsets[:-1].tolist(), texts, strict=True)
    )
    return np.concatenate([np.zeros(0, dtype=np.uint64), *parts])


def _counted(ngrams: Hashes, contexts: Hashes) -> _Order:
    keys, first, counts = np.unique(ngrams, return_index=True, return_counts=True)
    known, totals = np.unique(contexts, return_counts=True)
    before, types = np.unique(contexts[first], return_counts=True)
    return _Order(_Counted(keys, counts), _Counted(known, totals), _Counted(before, types))
