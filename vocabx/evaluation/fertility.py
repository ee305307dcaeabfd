"""How long a text is in tokens, how fast it is encoded, and how that falls with the vocabulary's size."""

import time
from collections.abc import Sequence

from vocabx.tokenizer.byte_level import ByteLevelTokenizer, Merge

_SPEED_RUNS = 3
_SPEED_CHARACTERS = 2_000_000


def count_tokens(tokenizer: ByteLevelTokenizer, texts: Sequence[str]) -> int:
    """Number of tokens of `texts`, without those that a template adds."""
    return sum(map(len, tokenizer.encode(texts)))


def encode_speed(tokenizer: ByteLevelTokenizer, texts: Sequence[str]) -> float:
    """Characters encoded a second, on all cores, the best of three runs over up to 2 M characters."""
    sample: list[str] = []
    characters = 0
    for text in texts:
        sample.append(text)
        characters += len(text)
        if characters >= _SPEED_CHARACTERS:
            break
    best = float("inf")
    for _ in range(_SPEED_RUNS):
        start = time.perf_counter()
        tokenizer.rust.encode_batch_fast(sample, add_special_tokens=False)
        best = min(best, time.perf_counter() - start)
    return characters / best


def token_curve(
    base: ByteLevelTokenizer, merges: Sequence[Merge], sizes: Sequence[int], texts: Sequence[str]
) -> dict[int, int]:
    """Tokens of `texts` had only the first tokens of `merges` been bought, for each size.

    Args:
        base: the base.
        merges: in the order in which they would be bought.
        sizes: numbers of new tokens; 0 is the base itself.
        texts: held-out text.
    """
    known = set(base.token_bytes.values())
    cut: dict[int, int] = {0: 0}
    tokens = 0
    for position, merge in enumerate(merges, 1):
        if merge.token not in known:
            known.add(merge.token)
            tokens += 1
        cut[tokens] = position
    return {
        size: count_tokens(base.extended(merges[: cut[size]], base.size), texts)
        for size in sizes
        if size in cut
    }
