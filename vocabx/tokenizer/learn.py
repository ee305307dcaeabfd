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
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice, repeat

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from vocabx.tokenizer.distinct import occurrences
from vocabx.tokenizer.fast import FastTokenizer, is_mixed
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.units import FIRST_CODE_POINT, Units

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
    model = Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    distinct = int((units.counts() > 0).sum())
    trainer = trainers.BpeTrainer(
        vocab_size=distinct + limit, min_frequency=min_count, show_progress=False, special_tokens=[]
    )
    model.train_from_iterator(_lines(units.distinct), trainer)
    learned = json.loads(model.to_str())["model"]
    vocabulary: dict[str, int] = learned["vocab"]
    applied = occurrences(model, units.distinct, len(vocabulary))
    # Each occurrence of a token is one merge; so is each occurrence of a part that a later merge consumed.
    pairs = [tuple(pair) for pair in learned["merges"]]
    for left, right in reversed(pairs):
        made = applied[vocabulary[left + right]]
        applied[vocabulary[left]] += made
        applied[vocabulary[right]] += made

    def data(text: str) -> bytes:
        return b"".join(unit_bytes[ord(character) - FIRST_CODE_POINT] for character in text)

    return [Merge(data(left), data(right), int(applied[vocabulary[left + right]])) for left, right in pairs]


def _lines(words: Mapping[str, int]) -> Iterator[str]:
    """The words as often as they occur, separated by spaces, some thousands per line."""
    repeated = chain.from_iterable(repeat(word, times) for word, times in words.items())
    while line := list(islice(repeated, _WORDS_PER_LINE)):
        yield " ".join(line)
