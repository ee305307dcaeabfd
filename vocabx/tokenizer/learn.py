"""Continued BPE: which merges after the base's shorten a corpus most, in the order BPE would take them.

The tokenizers library's own trainer does the counting: the corpus is cut by the base, every unit
(see `units`) becomes one character of a supplementary plane, and the merges learned on those strings
are mapped back to bytes. Units that the base spells in several tokens first need merges of their own,
from left to right, so that no token is the tail of a character. Every merge shortens the corpus by the
number of times it applies, and ordering both kinds by that number gives what one BPE run over the base's
tokens gives when it may not join the end of one character to the beginning of the next. Does not choose
how many merges to keep: see `select`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from vocabx.tokenizer.byte_alphabet import to_alphabet
from vocabx.tokenizer.byte_level import ByteLevelTokenizer, Merge
from vocabx.tokenizer.units import Units

# Planes 1 to 16 hold no white space and no surrogates; nothing here normalises them.
_FIRST_CODE_POINT = 0x10000
_WORDS_PER_LINE = 1 << 16


def learn_merges(
    tokenizer: ByteLevelTokenizer,
    units: Units,
    limit: int,
    allows_token: Callable[[bytes], bool],
    min_count: int = 2,
) -> list[Merge]:
    """Return up to about `limit` merges, most useful first, each after the merges that make its parts.

    Args:
        tokenizer: the base that cut `units`.
        units: the corpus.
        limit: how many merges across units to learn; merges inside units come on top.
        allows_token: refuses tokens that the language must not hold.
        min_count: merges that apply less often are left out.
    """
    # An added token is a unit that stands in no word, and has no bytes.
    spelled = [b"".join(tokenizer.token_bytes.get(t, b"") for t in tokens) for tokens in units.unit_tokens]
    inside = _merges_inside(tokenizer, units)
    across = _merges_across(units, spelled, limit, min_count)
    merges = sorted([*inside, *across], key=lambda merge: -merge.count)
    known = set(tokenizer.token_bytes.values())
    # A token spelled like an added one would take its id.
    added = {token["content"] for token in tokenizer.spec["added_tokens"]}
    kept: list[Merge] = []
    for merge in merges:
        if merge.count < min_count or not {merge.left, merge.right} <= known:
            continue
        if allows_token(merge.token) and to_alphabet(merge.token) not in added:
            known.add(merge.token)
            kept.append(merge)
    return kept


def _merges_inside(tokenizer: ByteLevelTokenizer, units: Units) -> list[Merge]:
    """Merges that build each unit of several tokens from left to right, a shared beginning once."""
    counts: Counter[tuple[bytes, bytes]] = Counter()
    for tokens, count in zip(units.unit_tokens, units.counts().tolist(), strict=True):
        left = tokenizer.token_bytes.get(tokens[0], b"")
        for token in tokens[1:] if count else ():
            right = tokenizer.token_bytes[token]
            counts[left, right] += count
            left += right
    # Shorter tokens first: among equal counts a beginning precedes what it begins.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], len(item[0][0]) + len(item[0][1]), item[0]))
    return [Merge(left, right, count) for (left, right), count in ordered]


def _merges_across(units: Units, spelled: list[bytes], limit: int, min_count: int) -> list[Merge]:
    """BPE over units as characters, with how often each merge applies."""
    if len(units.words) == 0:
        return []
    lines = list(_lines(units))
    model = Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    distinct = int((units.counts() > 0).sum())
    trainer = trainers.BpeTrainer(
        vocab_size=distinct + limit, min_frequency=min_count, show_progress=False, special_tokens=[]
    )
    model.train_from_iterator(lines, trainer)
    learned = json.loads(model.to_str())["model"]
    vocabulary: dict[str, int] = learned["vocab"]
    applied = np.zeros(len(vocabulary), dtype=np.int64)
    for encoding in model.encode_batch_fast(lines):
        applied += np.bincount(np.array(encoding.ids, dtype=np.int64), minlength=len(applied))
    # A token in use was made once; a part was also made wherever a later merge consumed it.
    pairs = [tuple(pair) for pair in learned["merges"]]
    for left, right in reversed(pairs):
        made = applied[vocabulary[left + right]]
        applied[vocabulary[left]] += made
        applied[vocabulary[right]] += made

    def data(text: str) -> bytes:
        return b"".join(spelled[ord(character) - _FIRST_CODE_POINT] for character in text)

    return [Merge(data(left), data(right), int(applied[vocabulary[left + right]])) for left, right in pairs]


def _lines(units: Units) -> Iterator[str]:
    """The words as text, a space between two, some thousands a line."""
    for first in range(0, len(units.starts), _WORDS_PER_LINE):
        last = min(first + _WORDS_PER_LINE, len(units.starts))
        begin = units.starts[first]
        end = units.starts[last] if last < len(units.starts) else len(units.words)
        codes: NDArray[np.int64] = units.words[begin:end].astype(np.int64) + _FIRST_CODE_POINT
        spaced = np.insert(codes, units.starts[first:last] - begin, ord(" "))
        yield spaced.astype("<u4").tobytes().decode("utf-32-le")
