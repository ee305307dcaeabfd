"""The corpus tokenized by the base: words of units, ready for a BPE trainer.

A unit is a minimal run of base tokens that covers complete characters: one token where the base has the
character, two or more where it falls back to bytes. A word is a run of units within one pre-token that the
language may join.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer, kinds_of

_BATCH = 1024
# Letters, and other characters: a product below zero where one follows the other.
_KINDS = {frozenset((True,)): 1, frozenset((False,)): -1}


@dataclass(frozen=True)
class Units:
    """Words of units.

    Attributes:
        parts: for each unit, the bytes of its base tokens; one empty part where a unit is an added token,
            which occurs in no word.
        words: int32, unit numbers of all words, concatenated.
        starts: int64, where in `words` each word starts.
        atoms: number of base tokens of the whole corpus, each unknown character counted as one.
    """

    parts: tuple[tuple[bytes, ...], ...]
    words: NDArray[np.int32]
    starts: NDArray[np.int64]
    atoms: int

    def counts(self) -> NDArray[np.int64]:
        """How often each unit occurs."""
        return np.bincount(self.words, minlength=len(self.parts)).astype(np.int64)

    @property
    def least(self) -> int:
        """The fewest tokens that the corpus can have, with a token for each word."""
        inside = np.array([len(parts) for parts in self.parts], dtype=np.int64) @ self.counts()
        return int(self.atoms - inside + len(self.starts))


def tokenize_units(
    tokenizer: FastTokenizer,
    texts: Sequence[str],
    allows_token: Callable[[bytes], bool],
    advance: Advance = lambda done: None,
) -> Units:
    """Tokenize `texts` into words of units that `allows_token` admits.

    Args:
        tokenizer: the base.
        texts: the corpus; texts are independent of each other.
        allows_token: called once per distinct unit, with its bytes.
        advance: called with the number of texts done.
    """
    inside = np.zeros(tokenizer.size, dtype=bool)
    for index, data in tokenizer.token_bytes.items():
        inside[index] = 0x80 <= data[0] < 0xC0
    numbers: dict[tuple[int, ...], int] = {}
    parts: list[tuple[bytes, ...]] = []
    allowed: list[bool] = []
    kinds: list[int] = []
    words: list[NDArray[np.int32]] = []
    starts: list[NDArray[np.int64]] = []
    total = kept = 0
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        ids, pretoken = tokenizer.atoms(batch)
        advance(len(batch))
        total += len(ids)
        new_word = np.ones(len(ids), dtype=bool)
        new_word[1:] = pretoken[1:] != pretoken[:-1]
        # Atoms beyond the last id are complete characters.
        tail = np.zeros(len(ids), dtype=bool)
        tail[ids < len(inside)] = inside[ids[ids < len(inside)]]
        first = np.flatnonzero(new_word | ~tail)
        units = _number_units(ids, first, numbers)
        for atoms in list(numbers)[len(allowed) :]:
            parts.append(_parts(tokenizer, atoms))
            found = frozenset() if tokenizer.mixes else kinds_of(b"".join(parts[-1]))
            kinds.append(_KINDS.get(found, 0))
            allowed.append(bool(parts[-1][0]) and len(found) < 2 and allows_token(b"".join(parts[-1])))
        admitted = np.array(allowed, dtype=bool)[units]
        # A word starts at an admitted unit that begins a pre-token or follows a refused unit.
        opens = new_word[first]
        opens[1:] |= ~admitted[:-1]
        # So it does where letters end, or begin, if no token may hold both.
        kind = np.array(kinds, dtype=np.int8)[units]
        opens[1:] |= kind[1:] * kind[:-1] < 0
        words.append(units[admitted])
        starts.append(np.flatnonzero(opens[admitted]) + kept)
        kept += int(admitted.sum())
    return Units(
        tuple(parts),
        np.concatenate(words) if words else np.zeros(0, np.int32),
        np.concatenate(starts) if starts else np.zeros(0, np.int64),
        total,
    )


def _number_units(
    ids: NDArray[np.int64], first: NDArray[np.int64], numbers: dict[tuple[int, ...], int]
) -> NDArray[np.int32]:
    """Number the units that start at `first`, adding new ones to `numbers` in order of appearance."""
    ends = np.append(first[1:], len(ids))
    lengths = ends - first
    codes = ids[first]
    for offset in range(1, int(lengths.max(initial=1))):
        longer = lengths > offset
        # Combine the code so far with the next id, then renumber: exact for units of any length.
        codes = np.where(longer, (codes + 1) << 32, codes << 32)
        codes[longer] += ids[first[longer] + offset]
        codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    _, where, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(where)
    number = np.empty(len(where), dtype=np.int32)
    for rank in order:
        start = first[where[rank]]
        key = tuple(ids[start : ends[where[rank]]].tolist())
        number[rank] = numbers.setdefault(key, len(numbers))
    return number[inverse].astype(np.int32)


def _parts(tokenizer: FastTokenizer, atoms: tuple[int, ...]) -> tuple[bytes, ...]:
    data = [tokenizer.atom_bytes(atom) for atom in atoms]
    return (b"",) if None in data else tuple(part for part in data if part is not None)
