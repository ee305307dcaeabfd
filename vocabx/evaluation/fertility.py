"""How long a text is in tokens, how fast it is encoded, and how that falls with the vocabulary's size."""

import time
from collections.abc import Callable, Sequence

from tokenizers import Tokenizer

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge

_SPEED_ROUNDS = 5
_SPEED_CHARACTERS = 150_000


def count_tokens(tokenizer: FastTokenizer, texts: Sequence[str]) -> int:
    """Number of tokens of `texts`, without those that a template adds."""
    return sum(map(len, tokenizer.encode(texts)))


def count_unknown(tokenizer: FastTokenizer, texts: Sequence[str]) -> int:
    """Number of unknown tokens in `texts`; 0 where the family has none."""
    unknown = tokenizer.unknown_id
    if unknown is None:
        return 0
    return sum(ids.count(unknown) for ids in tokenizer.encode(texts))


def encode_speeds(tokenizers: Sequence[FastTokenizer], texts: Sequence[str]) -> list[float]:
    """Characters that each tokenizer encodes a second, on all cores.

    Up to 150,000 characters, each tokenizer in turn, the best of five rounds: a machine that is
    busy for a moment slows all of them and not one.
    """
    sample: list[str] = []
    characters = 0
    for text in texts:
        sample.append(text)
        characters += len(text)
        if characters >= _SPEED_CHARACTERS:
            break
    best = [float("inf")] * len(tokenizers)
    # A tokenizer that has been in use remembers the words it met: new ones start equal.
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
    advance: Callable[[float], None] = lambda done: None,
) -> dict[int, int]:
    """Tokens of `texts` had only the first tokens of `merges` been bought, for each size.

    Args:
        base: the base.
        merges: in the order in which they would be bought.
        sizes: numbers of new tokens; 0 is the base itself; those beyond the merges are left out.
        texts: held-out text.
        advance: called with 1 after each size.
    """
    known = set(base.known_bytes)
    cut: dict[int, int] = {0: 0}
    tokens = 0
    for position, merge in enumerate(merges, 1):
        if merge.token not in known:
            known.add(merge.token)
            tokens += 1
        cut[tokens] = position
    curve: dict[int, int] = {}
    for size in sizes:
        if size in cut:
            curve[size] = count_tokens(base.extended(merges[: cut[size]], base.size), texts)
        advance(1)
    return curve
