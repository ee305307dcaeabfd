"""Aligns two vector spaces by the rotation that best maps words to their translations.

The alignment of WECHSEL (Minixhofer et al. 2022, section 3), which is orthogonal Procrustes (Schönemann
1966): R = argmin over RᵀR = I of ‖A R − B‖_F, with the unnormalized vectors of source words as rows of A and
those of their translations as rows of B. Its quality is measured by translating held-out words.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import VectorsError
from vocabx.vectors.neighbours import nearest
from vocabx.vectors.space import WordVectors

Rotation = NDArray[np.float64]
Pair = tuple[str, str]

_MOST_HELDOUT = 1_500
_CANDIDATES = 200_000
_CHUNK = 8_192
# Significance level of the test whether a rotation is better than chance.
_LEVEL = 0.01


@dataclass(frozen=True)
class Alignment:
    """A rotation, and how well a rotation fitted in the same way translates held-out words.

    Attributes:
        rotation: (S, S) float64, orthogonal, fitted on all pairs; applied to source vectors as x @ rotation.
        pairs: number of dictionary pairs with a vector on both sides, in any casing.
        heldout: number of source words for measuring precision, with a rotation fitted without them.
        precision_at_1: share of them whose nearest target word is one of their translations.
        chance: the precision of the same answers when assigned to other questions.
        better_than_chance: whether the precision is significantly higher than chance, at the level 0.01.
    """

    rotation: Rotation
    pairs: int
    heldout: int
    precision_at_1: float
    chance: float
    better_than_chance: bool


def align(
    source: WordVectors,
    target: WordVectors,
    pairs: Iterable[Pair],
    *,
    seed: int,
    heldout_share: float = 0.1,
) -> Alignment:
    """Fit the rotation of source vectors onto target vectors.

    Args:
        source, target: word vectors of the same width.
        pairs: (source word, target word).
        seed: selects the held-out words.
        heldout_share: share of the distinct source words, at most 1,500, to measure precision on.

    Raises:
        VectorsError: the widths differ, or no pair has a vector on both sides.
    """
    if source.width != target.width:
        raise VectorsError(
            f"word vectors of width {source.width} and {target.width} cannot be aligned: reduce the wider"
        )
    pairs = tuple(pairs)
    found = [rows for pair in pairs if (rows := _rows(pair, source, target))]
    if not found:
        raise VectorsError(_nothing_shared(source, target, pairs))
    rotation = _rotation(source, target, found)
    questions = _held_out(found, heldout_share, seed)
    if not questions:
        return Alignment(rotation, len(found), 0, 0.0, 0.0, False)
    seen = [rows for rows in found if rows.word not in questions]
    measured = _precision(source, target, _rotation(source, target, seen), list(questions.values()))
    return Alignment(rotation, len(found), *measured)


@dataclass(frozen=True)
class _Rows:
    """The rows of a dictionary pair, one for each casing of a word that has a vector, repeats included."""

    word: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def _rows(pair: Pair, source: WordVectors, target: WordVectors) -> _Rows | None:
    """The rows of a pair, or None if one side has no vector."""
    starts = tuple(source.index[word] for word in _casings(pair[0]) if word in source.index)
    ends = tuple(target.index[word] for word in _casings(pair[1]) if word in target.index)
    return _Rows(pair[0].lower(), starts, ends) if starts and ends else None


def _casings(word: str) -> tuple[str, str, str]:
    return word, word.lower(), word.title()


def _rotation(source: WordVectors, target: WordVectors, found: list[_Rows]) -> Rotation:
    """Return U Vᵀ of the singular value decomposition U Σ Vᵀ of AᵀB.

    Every casing of a source word is paired with every casing of its translation. AᵀB is summed in chunks over
    distinct pairs, weighted by their counts, so A and B themselves are never built.
    """
    size = len(target.words)
    pairs = (start * size + end for rows in found for start in rows.starts for end in rows.ends)
    keys, times = np.unique(np.fromiter(pairs, dtype=np.int64), return_counts=True)
    starts, ends = np.divmod(keys, size)
    product = np.zeros((source.width, target.width))
    for first in range(0, len(keys), _CHUNK):
        part = slice(first, first + _CHUNK)
        rows_of_a = source.matrix[starts[part]].astype(np.float64) * times[part, None]
        product += rows_of_a.T @ target.matrix[ends[part]].astype(np.float64)
    left, _, right = np.linalg.svd(product)
    rotation: Rotation = left @ right
    return rotation


def _held_out(found: list[_Rows], share: float, seed: int) -> dict[str, tuple[int, set[int]]]:
    """Randomly chosen source words, each with its row and the rows of its translations.

    The casings of a word are held out together, and so are all its translations.
    """
    questions: dict[str, tuple[int, set[int]]] = {}
    for rows in found:
        questions.setdefault(rows.word, (rows.starts[0], set()))[1].update(rows.ends)
    words = [word for word, (_, ends) in questions.items() if min(ends) < _CANDIDATES]
    count = min(_MOST_HELDOUT, round(share * len(words)), len(questions) - 1)
    chosen = np.random.RandomState(seed).permutation(len(words))[: max(0, count)]
    return {words[i]: questions[words[i]] for i in chosen}


def _precision(
    source: WordVectors, target: WordVectors, rotation: Rotation, questions: list[tuple[int, set[int]]]
) -> tuple[int, float, float, bool]:
    """Find the nearest target words by cosine.

    Chance is the precision of the same answers when assigned to the other questions, or of guessing if that
    is higher. So a space in which one frequent word is close to everything gains nothing from it. The test is
    binomial (inferred: none of the papers tests whether an alignment is significant).

    Returns:
        The number of questions, precision at 1, chance, and whether precision is better than chance.
    """
    from scipy.stats import binom

    asked = len(questions)
    first = np.array([row for row, _ in questions])
    correct = [{end for end in ends if end < _CANDIDATES} for _, ends in questions]
    asking = (source.matrix[first].astype(np.float64) @ rotation).astype(np.float32)
    answers = nearest(target.matrix[:_CANDIDATES], asking, 1)[0][:, 0].tolist()
    hits = sum(answer in ends for answer, ends in zip(answers, correct, strict=True))
    given = Counter(answers)
    reassigned = sum(given[end] for ends in correct for end in ends) - hits
    guessed = sum(map(len, correct)) / asked / min(_CANDIDATES, len(target.words))
    chance = max(guessed, reassigned / (asked * max(1, asked - 1)))
    better = hits > 0 and float(binom.sf(hits - 1, asked, chance)) < _LEVEL
    return asked, hits / asked, chance, better


def _nothing_shared(source: WordVectors, target: WordVectors, pairs: tuple[Pair, ...]) -> str:
    def some(words: Iterable[str]) -> str:
        return ", ".join(repr(word) for word, _ in zip(words, range(3), strict=False)) or "nothing"

    return (
        f"the dictionary ({some(f'{s} {t}' for s, t in pairs)}) shares no word with the vectors: the source "
        f"has {some(source.words)}, the target {some(target.words)}"
    )
