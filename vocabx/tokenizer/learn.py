"""Continued BPE: the merges after the base's that shorten a corpus most, in the order BPE would learn them.

The trainer of the tokenizers library does the counting: the base tokenizes the corpus, every unit (see
`units`) becomes one character of a supplementary plane, and the merges learned on those strings are mapped
back to bytes. Units that take several tokens of the base first need merges of their own, from left to right,
so that no token is the tail of a character. Every merge shortens the corpus by the number of times it
applies. Ordering both kinds by that number gives the same result as one BPE run over the base's tokens that
may not join the end of one character to the beginning of the next. `select` decides how many merges to keep.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from vocabx.tokenizer.fast import FastTokenizer, is_mixed
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.units import Units

# Planes 1 to 16 contain no white space and no surrogates, and nothing here normalizes them.
_FIRST_CODE_POINT = 0x10000
_WORDS_PER_LINE = 1 << 14


def learn_merges(
    tokenizer: FastTokenizer,
    units: Units,
    limit: int,
    allows_token: Callable[[bytes], bool],
    min_count: int = 2,
) -> list[Merge]:
    """Return up to about `limit` merges, most useful first, each after the merges that make its parts.

    Args:
        tokenizer: the base that tokenized `units`.
        units: the corpus.
        limit: how many merges across units to learn; merges inside units are additional.
        allows_token: whether the language may have a token.
        min_count: merges that apply less often are left out.
    """
    inside = _merges_inside(tokenizer, units)
    across = _merges_across(units, limit, min_count)
    # Where characters without a piece are lost, characters come first. The sort is stable: among equal counts
    # a part stays before what it is a part of.
    first = tokenizer.loses_text
    merges = sorted([*inside, *across], key=lambda m: (bool(m.left) if first else False, -m.count))
    known = {b"", *tokenizer.token_bytes.values()}
    # A piece equal to an added token would take over its id.
    added = {token["content"] for token in tokenizer.spec["added_tokens"]}
    kept: list[Merge] = []
    for merge in merges:
        # A character that becomes a token in one step has no parts.
        parts = {merge.left, merge.right} if merge.left else set()
        if merge.count < min_count or not parts <= known or not allows_token(merge.token):
            continue
        if not tokenizer.mixes and is_mixed(merge.token):
            continue
        if (piece := tokenizer.bytes_to_piece(merge.token)) is not None and piece not in added:
            known.add(merge.token)
            kept.append(merge)
    return kept


def _merges_inside(tokenizer: FastTokenizer, units: Units) -> list[Merge]:
    """Merges that build each unit of several tokens; a prefix shared by several units is counted once."""
    counts: Counter[tuple[bytes, bytes]] = Counter()
    for parts, count in zip(units.parts, units.counts().tolist(), strict=True):
        if count and (len(parts) > 1 or parts[0] not in tokenizer.known_bytes):
            for pair in tokenizer.assemble(parts):
                counts[pair] += count
    # Shorter tokens first: among equal counts a prefix precedes its continuations.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], len(item[0][0]) + len(item[0][1]), item[0]))
    return [Merge(left, right, count) for (left, right), count in ordered]


def _merges_across(units: Units, limit: int, min_count: int) -> list[Merge]:
    """BPE over units as characters, with the number of times each merge applies."""
    if len(units.words) == 0:
        return []
    unit_bytes = [b"".join(parts) for parts in units.parts]
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
    applied = _occurrences(model, lines, len(vocabulary))
    # Each occurrence of a token is one merge; so is each occurrence of a part that a later merge consumed.
    pairs = [tuple(pair) for pair in learned["merges"]]
    for left, right in reversed(pairs):
        made = applied[vocabulary[left + right]]
        applied[vocabulary[left]] += made
        applied[vocabulary[right]] += made

    def data(text: str) -> bytes:
        return b"".join(unit_bytes[ord(character) - _FIRST_CODE_POINT] for character in text)

    return [Merge(data(left), data(right), int(applied[vocabulary[left + right]])) for left, right in pairs]


def _occurrences(model: Tokenizer, lines: Iterable[str], size: int) -> NDArray[np.int64]:
    """How often each id occurs in the encoded lines, int64 (size,). Each distinct word is encoded once."""
    by_count: dict[int, list[str]] = {}
    for word, count in Counter(word for line in lines for word in line.split()).items():
        by_count.setdefault(count, []).append(word)
    occurrences = np.zeros(size, dtype=np.int64)
    for count, words in by_count.items():
        # An encoding takes far more memory than its text: some thousand words at a time.
        for start in range(0, len(words), _WORDS_PER_LINE):
            [encoding] = model.encode_batch_fast([" ".join(words[start : start + _WORDS_PER_LINE])])
            occurrences += count * np.bincount(np.array(encoding.ids, dtype=np.int64), minlength=size)
    return occurrences


def _lines(units: Units) -> Iterator[str]:
    """The words as text separated by spaces, some thousands per line."""
    for first in range(0, len(units.starts), _WORDS_PER_LINE):
        last = min(first + _WORDS_PER_LINE, len(units.starts))
        begin = units.starts[first]
        end = units.starts[last] if last < len(units.starts) else len(units.words)
        codes: NDArray[np.int64] = units.words[begin:end].astype(np.int64) + _FIRST_CODE_POINT
        spaced = np.insert(codes, units.starts[first:last] - begin, ord(" "))
        yield spaced.astype("<u4").tobytes().decode("utf-32-le")
