"""The corpus as the base tokenizer leaves it: words of units, ready for a BPE trainer.

A unit is the least run of base tokens that holds whole characters: one token where the base knows the
character, two or more where it spells it in bytes. A word is a run of units that the language may join
inside one pre-token. Does not decide which merges are bought.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx.tokenizer.byte_level import ByteLevelTokenizer

_BATCH = 1024


@dataclass(frozen=True)
class Units:
    """Words of units.

    Attributes:
        unit_tokens: for each unit, the base ids that spell it.
        words: unit numbers, int32, all words after each other.
        starts: int64, where in `words` each word starts.
        base_tokens: how many base tokens the whole corpus takes.
    """

    unit_tokens: tuple[tuple[int, ...], ...]
    words: NDArray[np.int32]
    starts: NDArray[np.int64]
    base_tokens: int

    def counts(self) -> NDArray[np.int64]:
        """How often each unit occurs."""
        return np.bincount(self.words, minlength=len(self.unit_tokens)).astype(np.int64)


def cut_units(
    tokenizer: ByteLevelTokenizer,
    texts: Sequence[str],
    allows_token: Callable[[bytes], bool],
    advance: Callable[[float], None] = lambda done: None,
) -> Units:
    """Cut `texts` with `tokenizer` into words of units that `allows_token` admits.

    Args:
        tokenizer: the base.
        texts: the corpus; each text stands alone.
        allows_token: called once per distinct unit, with its bytes.
        advance: called with the number of texts done.
    """
    size = tokenizer.size
    begins = np.ones(size, dtype=bool)
    for index, data in tokenizer.token_bytes.items():
        begins[index] = not 0x80 <= data[0] < 0xC0
    numbers: dict[tuple[int, ...], int] = {}
    allowed: list[bool] = []
    words: list[NDArray[np.int32]] = []
    starts: list[NDArray[np.int64]] = []
    total = kept = 0
    for count, ids, pretoken in _batches(tokenizer, texts):
        advance(count)
        total += len(ids)
        new_word = np.ones(len(ids), dtype=bool)
        new_word[1:] = pretoken[1:] != pretoken[:-1]
        first = np.flatnonzero(new_word | begins[ids])
        units = _number_units(ids, first, numbers)
        for tokens in list(numbers)[len(allowed) :]:
            allowed.append(_admits(tokens, tokenizer, allows_token))
        admitted = np.array(allowed, dtype=bool)[units]
        # A word starts at an admitted unit that opens a pre-token or follows a refused unit.
        opens = new_word[first]
        opens[1:] |= ~admitted[:-1]
        words.append(units[admitted])
        starts.append(np.flatnonzero(opens[admitted]) + kept)
        kept += int(admitted.sum())
    return Units(
        tuple(numbers),
        np.concatenate(words) if words else np.zeros(0, np.int32),
        np.concatenate(starts) if starts else np.zeros(0, np.int64),
        total,
    )


def _batches(
    tokenizer: ByteLevelTokenizer, texts: Sequence[str]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield how many texts, their base ids and, for each id, a number that tells its pre-token."""
    for start in range(0, len(texts), _BATCH):
        encodings = tokenizer.rust.encode_batch(texts[start : start + _BATCH], add_special_tokens=False)
        lengths = [len(encoding) for encoding in encodings]
        ids = np.fromiter((i for e in encodings for i in e.ids), np.int64, sum(lengths))
        # Special tokens have no word: they stand alone as word -1.
        pretoken = np.fromiter(
            (-1 if w is None else w for e in encodings for w in e.word_ids), np.int64, sum(lengths)
        )
        text_number = np.repeat(np.arange(len(lengths)), lengths)
        yield len(encodings), ids, pretoken + text_number * (1 << 32)


def _number_units(
    ids: NDArray[np.int64], first: NDArray[np.int64], numbers: dict[tuple[int, ...], int]
) -> NDArray[np.int32]:
    """Number the units that start at `first`, adding unknown ones to `numbers` in order of appearance."""
    ends = np.append(first[1:], len(ids))
    lengths = ends - first
    codes = ids[first]
    for offset in range(1, int(lengths.max(initial=1))):
        longer = lengths > offset
        # Pair the code so far with the next id, then renumber: exact for units of any length.
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


def _admits(
    tokens: tuple[int, ...], tokenizer: ByteLevelTokenizer, allows_token: Callable[[bytes], bool]
) -> bool:
    if any(token not in tokenizer.token_bytes for token in tokens):
        return False
    return allows_token(b"".join(tokenizer.token_bytes[token] for token in tokens))
