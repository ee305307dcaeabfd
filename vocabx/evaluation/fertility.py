"""Fertility: the length of a text in tokens, also as a function of vocabulary size, and encoding speed."""

import time
from collections.abc import Sequence

from tokenizers import Tokenizer

from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge

_SPEED_ROUNDS = 5
_SPEED_CHARACTERS = 150_000


def count_tokens(tokenizer: FastTokenizer, texts: Sequence[str]) -> int:
    """Number of tokens in `texts`, without those added by a template."""
    return sum(map(len, tokenizer.encode(texts)))


def count_unknown(tokenizer: FastTokenizer, texts: Sequence[str]) -> int:
    """Number of unknown tokens in `texts`; 0 if the family has none."""
    unknown = tokenizer.unknown_id
    if unknown is None:
        return 0
    return sum(ids.count(unknown) for ids in tokenizer.encode(texts))


def encode_speeds(tokenizers: Sequence[FastTokenizer], texts: Sequence[str]) -> list[float]:
    """Characters that each tokenizer encodes per second, on all cores.

    Up to 150,000 characters, tokenizers in turn, best of five rounds: so a machine that is busy for a
    moment slows down all of them alike.
    """
    sample: list[str] = []
    characters = 0
    for text in texts:
        sample.append(text)
        characters += len(text)
        if characters >= _SPEED_CHARACTERS:
            break
    best = [float("inf")] * len(tokenizers)
    # A used tokenizer caches the words it has seen, so all start as new copies.
    fresh = [Tokenizer.from_str(tokenizer.rust.to_str()) for tokenizer in tokenizers]
    for _ in range(_SPEED_ROUNDS):
        for number, tokenizer in enumerate(fresh):
            start = time.perf_counter()
            tokenizer.encode_batch_fast(sample, add_special_tokens=False)
            best[number] = min(best[number], time.perf_counter() - start)
    return [characters / seconds for seconds in best]


def token_curve(
    base: FastTokenizer,
    merges: Sequence[Merge],
    sizes: Sequence[int],
    texts: Sequence[str],
    advance: Advance = lambda done: None,
) -> dict[int, int]:
    """Number of tokens in `texts` if only the first tokens of `merges` were added, by size.

    Args:
        base: the tokenizer of the base.
        merges: the merges in the order of selection.
        sizes: numbers of new tokens; 0 is the base itself; sizes beyond the merges are left out.
        texts: held-out text.
        advance: called with 1 after each size.
    """
    known = set(base.known_bytes)
    merges_of: dict[int, int] = {0: 0}
    tokens = 0
    for position, merge in enumerate(merges, 1):
        if merge.token not in known:
            known.add(merge.token)
            tokens += 1
        merges_of[tokens] = position
    curve: dict[int, int] = {}
    for size in sizes:
        if size in merges_of:
            tokenizer = base.extended(merges[: merges_of[size]], base.size) if size else base
            curve[size] = count_tokens(tokenizer, texts)
        advance(1)
    return curve
