"""The corpus tokenized by the base: words of units, ready for a BPE trainer.

A unit is a minimal run of base tokens that covers complete characters: one token where the base has the
character, two or more where it falls back to bytes. A word is a run of units within one pre-token that the
language may join.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vocabx.progress import Advance
from vocabx.tokenizer.distinct import distinct_words, tokenized_words
from vocabx.tokenizer.fast import FastTokenizer, Ids, kinds_of

# Planes 1 to 16 contain no white space and no surrogates, and nothing here normalizes them.
FIRST_CODE_POINT = 0x10000
_BATCH = 1024
# Letters, and other characters: a product below zero where one follows the other.
_KINDS = {frozenset((True,)): 1, frozenset((False,)): -1}


@dataclass(frozen=True)
class Units:
    """Words of units.

    Attributes:
        parts: for each unit, the bytes of its base tokens; one empty part where a unit is an added token,
            which occurs in no word.
        words: int32, unit numbers of words, concatenated; a word may be there several times.
        starts: int64, where in `words` each word starts.
        times: int64, how often each of these words occurs in the corpus.
        atoms: number of base tokens of the whole corpus, each unknown character counted as one.
    """

    parts: tuple[tuple[bytes, ...], ...]
    words: NDArray[np.int32]
    starts: NDArray[np.int64]
    times: NDArray[np.int64]
    atoms: int

    def counts(self) -> NDArray[np.int64]:
        """How often each unit occurs."""
        found = np.zeros(len(self.parts), dtype=np.int64)
        np.add.at(found, self.words, np.repeat(self.times, self.lengths))
        return found

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The units of each word."""
        return np.diff(self.starts, append=len(self.words))

    @cached_property
    def distinct(self) -> Mapping[str, int]:
        """Each distinct word with its occurrences: unit n is the character `FIRST_CODE_POINT` + n."""
        codes = self.words.astype(np.int64) + FIRST_CODE_POINT
        text = codes.astype("<u4").tobytes().decode("utf-32-le")
        found: dict[str, int] = {}
        start = 0
        for length, times in zip(self.lengths.tolist(), self.times.tolist(), strict=True):
            word = text[start : start + length]
            found[word] = found.get(word, 0) + times
            start += length
        return found

    @property
    def least(self) -> int:
        """The fewest tokens that the corpus can have, with a token for each word."""
        inside = np.array([len(parts) for parts in self.parts], dtype=np.int64) @ self.counts()
        return int(self.atoms - inside + self.times.sum())


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
    return units_of(tokenizer, texts, distinct_words(tokenizer, texts), allows_token, advance)


def units_of(
    tokenizer: FastTokenizer,
    texts: Sequence[str],
    distinct: Mapping[str, int] | None,
    allows_token: Callable[[bytes], bool],
    advance: Advance = lambda done: None,
) -> Units:
    """The same with the distinct words of the texts; None of texts that have to be tokenized as a whole.

    Units are numbered as they appear in either case, so that what is learned does not depend on it.
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
    times: list[NDArray[np.int64]] = []
    total = kept = 0
    for ids, pretoken, occurs in _tokenized(tokenizer, texts, distinct, advance):
        total += int(occurs.sum())
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
        times.append(occurs[first[opens & admitted]])
        kept += int(admitted.sum())
    return Units(
        tuple(parts),
        np.concatenate(words) if words else np.zeros(0, np.int32),
        np.concatenate(starts) if starts else np.zeros(0, np.int64),
        np.concatenate(times) if times else np.zeros(0, np.int64),
        total,
    )


def _tokenized(
    tokenizer: FastTokenizer, texts: Sequence[str], distinct: Mapping[str, int] | None, advance: Advance
) -> Iterator[tuple[Ids, Ids, Ids]]:
    """Atoms, the number of the pre-token of each, and how often that occurs."""
    if distinct is not None:
        yield from tokenized_words(tokenizer, distinct)
        advance(len(texts))
        return
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        ids, pretoken = tokenizer.atoms(batch)
        advance(len(batch))
        yield ids, pretoken, np.ones(len(ids), dtype=np.int64)


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
