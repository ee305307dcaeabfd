"""One space out of two: the rotation that brings words onto their translations.

The alignment of WECHSEL (Minixhofer et al. 2022, section 3), which is orthogonal Procrustes (Schönemann
1966): R = argmin over RᵀR = I of ‖A R − B‖_F, with the vectors of source words stacked in A and those of
their translations in B, as they stand. How well it translates is measured on words it has not seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import VectorsError
from vocabx.vectors.space import WordVectors

Rotation = NDArray[np.float64]
Pair = tuple[str, str]

_MOST_HELDOUT = 1_500
_CANDIDATES = 200_000
_CHUNK = 8_192
# A rotation must beat chance with this error probability to be called better.
_LEVEL = 0.01


@dataclass(frozen=True)
class Alignment:
    """A rotation, and how well rotations of its kind translate.

    Attributes:
        rotation: (S, S) float64, orthogonal, fitted on all pairs; source vectors are multiplied by it.
        pairs: dictionary pairs with a vector on both sides, in whatever casing.
        heldout: source words that precision was measured on, with a rotation fitted without them.
        precision_at_1: share of them whose nearest target word is one of their translations.
        chance: the share that the same answers would reach, given to the wrong questions.
        better_than_chance: whether the precision is higher than chance explains, at the level 0.01.
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
        source, target: of one width.
        pairs: (source word, target word).
        seed: chooses the words held out.
        heldout_share: of the distinct source words, at most 1,500, that precision is measured on.

    Raises:
        VectorsError: the widths differ, or no pair has a vector on both sides.
    """
    if source.width != target.width:
        raise VectorsError(
            f"word vectors of width {source.width} and {target.width} make no common space: reduce the wider"
        )
    pairs = tuple(pairs)
    found = [rows for pair in pairs if (rows := _rows(pair, source, target))]
    if not found:
        raise VectorsError(_nothing_shared(source, target, pairs))
    groups = _by_source_word(found)
    held = _held_out(groups, heldout_share, seed)
    rotation = _rotation(source, target, (pair for _, rows in found for pair in rows))
    if not held:
        return Alignment(rotation, len(found), 0, 0.0, 0.0, False)
    seen = (pair for word, rows in found if word not in held for pair in rows)
    questions = {word: groups[word] for word in held}
    measured = _precision(source, target, _rotation(source, target, seen), questions)
    return Alignment(rotation, len(found), *measured)


def _rows(pair: Pair, source: WordVectors, target: WordVectors) -> tuple[str, list[tuple[int, int]]] | None:
    """The rows of a pair in every casing of both words, repeated where casings are equal, or None."""
    one, other = pair
    starts = [source.index[word] for word in _casings(one) if word in source.index]
    ends = [target.index[word] for word in _casings(other) if word in target.index]
    if not starts or not ends:
        return None
    return one.lower(), [(start, end) for start in starts for end in ends]


def _casings(word: str) -> tuple[str, str, str]:
    return word, word.lower(), word.title()


def _rotation(source: WordVectors, target: WordVectors, stacked: Iterable[tuple[int, int]]) -> Rotation:
    """Return U Vᵀ of the singular value decomposition U Σ Vᵀ of AᵀB.

    Equal rows of the stack are summed by their number, in chunks: A and B themselves are never made.
    """
    pairs = np.array(list(stacked), dtype=np.int64).reshape(-1, 2)
    pairs, times = np.unique(pairs, axis=0, return_counts=True)
    product = np.zeros((source.width, target.width))
    for start in range(0, len(pairs), _CHUNK):
        part = pairs[start : start + _CHUNK]
        rows = source.matrix[part[:, 0]].astype(np.float64) * times[start : start + _CHUNK, None]
        product += rows.T @ target.matrix[part[:, 1]].astype(np.float64)
    left, _, right = np.linalg.svd(product)
    rotation: Rotation = left @ right
    return rotation


def _by_source_word(found: list[tuple[str, list[tuple[int, int]]]]) -> dict[str, list[tuple[int, int]]]:
    """All rows of each source word, its casings together: they must be held out together."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for word, rows in found:
        groups.setdefault(word, []).extend(rows)
    return groups


def _held_out(groups: dict[str, list[tuple[int, int]]], share: float, seed: int) -> set[str]:
    """Source words with a translation among the candidates, chosen by the seed."""
    words = [word for word, rows in groups.items() if any(end < _CANDIDATES for _, end in rows)]
    count = min(_MOST_HELDOUT, round(share * len(words)), len(groups) - 1)
    chosen = np.random.RandomState(seed).permutation(len(words))[: max(0, count)]
    return {words[i] for i in chosen}


def _precision(
    source: WordVectors,
    target: WordVectors,
    rotation: Rotation,
    questions: dict[str, list[tuple[int, int]]],
) -> tuple[int, float, float, bool]:
    """Ask for the nearest target word by cosine: questions, precision at 1, chance, better than chance.

    Chance is what the same answers give when they are dealt out to the questions anew, or guessing where
    that is more. So a space in which one frequent word is near to everything gains nothing by it. The test is
    the binomial one (inferred: none of the papers asks whether an alignment is one).
    """
    from scipy.stats import binom

    first = np.array([rows[0][0] for rows in questions.values()])
    right = [{end for _, end in rows if end < _CANDIDATES} for rows in questions.values()]
    answers = _nearest(source.matrix[first].astype(np.float64) @ rotation, target)
    hits = sum(answer in translations for answer, translations in zip(answers, right, strict=True))
    given: dict[int, int] = {}
    for answer in answers:
        given[answer] = given.get(answer, 0) + 1
    dealt = sum(given.get(end, 0) for translations in right for end in translations) / len(right) ** 2
    guessed = sum(map(len, right)) / len(right) / min(_CANDIDATES, len(target.words))
    # Where there are few questions, the hits themselves make up most of what is dealt anew.
    chance = min(1.0, max(guessed, dealt - hits / len(right) ** 2))
    better = hits > 0 and float(binom.sf(hits - 1, len(right), chance)) < _LEVEL
    return len(right), hits / len(right), chance, bool(better)


def _nearest(queries: NDArray[np.float64], target: WordVectors) -> list[int]:
    """The row of the candidate with the highest cosine to each query; the lower row of equals."""
    candidates = target.matrix[:_CANDIDATES]
    unit = _unit(queries)
    best = np.full(len(queries), -np.inf, dtype=np.float32)
    rows = np.zeros(len(queries), dtype=np.int64)
    for start in range(0, len(candidates), _CHUNK):
        cosines = unit @ _unit(candidates[start : start + _CHUNK]).T
        nearest = cosines.argmax(axis=1)
        values = cosines[np.arange(len(unit)), nearest]
        better = values > best
        best[better], rows[better] = values[better], start + nearest[better]
    return [int(row) for row in rows]


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-8)
    return unit.astype(np.float32)


def _nothing_shared(source: WordVectors, target: WordVectors, pairs: tuple[Pair, ...]) -> str:
    def some(words: Iterable[str]) -> str:
        return ", ".join(repr(word) for word, _ in zip(words, range(3), strict=False)) or "nothing"

    return (
        f"the dictionary ({some(f'{s} {t}' for s, t in pairs)}) shares no word with the vectors: the source "
        f"has {some(source.words)}, the target {some(target.words)}"
    )
