"""Which learned merges to buy, so that the tokens bought are the tokens used.

BPE leaves tokens that only ever serve to build longer ones. Up to a small share of them stays, those
that build the most; the others go together with what they build, and the next most useful merges take
the free places. Does not learn merges: see `learn`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import TokenizerError
from vocabx.tokenizer.byte_level import ByteLevelTokenizer, Merge

USED_SHARE = 0.98
_ROUNDS = 12


@dataclass(frozen=True)
class Selection:
    """The merges to buy.

    Attributes:
        merges: in rank order; more merges than tokens where a token is derived in two ways.
        usage: int64, for each new token in id order, how often the corpus holds it.
        dropped: learned tokens that were dropped, unused or built from unused ones.
    """

    merges: tuple[Merge, ...]
    usage: NDArray[np.int64]
    dropped: int

    @property
    def unused(self) -> int:
        """New tokens that the corpus never holds."""
        return int((self.usage == 0).sum())


def select_merges(
    tokenizer: ByteLevelTokenizer,
    candidates: Sequence[Merge],
    texts: Sequence[str],
    new_tokens: int,
    used_share: float = USED_SHARE,
    advance: Callable[[float], None] = lambda done: None,
) -> Selection:
    """Choose merges that make exactly `new_tokens` tokens, at least `used_share` of them used in `texts`.

    Args:
        tokenizer: the base.
        candidates: what `learn_merges` returned.
        texts: the corpus that the candidates were learned on.
        new_tokens: how many tokens to buy, at least 1.
        used_share: between 0 and 1.
        advance: called with the number of texts counted.

    Raises:
        TokenizerError: the corpus does not support so many tokens.
    """
    basket = _Basket(tokenizer, candidates, new_tokens)
    for _ in range(_ROUNDS):
        basket.fill()
        usage = basket.count(texts, advance)
        if not basket.drop_unused(usage, used_share):
            break
    else:
        basket.fill()
        usage = basket.count(texts, advance)
    counted = np.array([usage[token] for token in basket.tokens()], dtype=np.int64)
    selection = Selection(tuple(basket.merges), counted, len(basket.dropped))
    if selection.unused > (1 - used_share) * new_tokens:
        raise TokenizerError(
            f"only {new_tokens - selection.unused} of {new_tokens} new tokens would be used: "
            "lower --new-tokens or give more text"
        )
    return selection


class _Basket:
    """The merges bought so far; the only mutable thing of a selection, gone when it is made."""

    def __init__(self, base: ByteLevelTokenizer, candidates: Sequence[Merge], wanted: int) -> None:
        self.base, self.wanted = base, wanted
        self.queue = list(reversed(candidates))
        self.known = set(base.token_bytes.values())
        self.base_tokens = frozenset(self.known)
        self.merges: list[Merge] = []
        self.dropped: set[bytes] = set()

    def tokens(self) -> list[bytes]:
        """The new tokens in the order of their ids."""
        return list(
            dict.fromkeys(merge.token for merge in self.merges if merge.token not in self.base_tokens)
        )

    def fill(self) -> None:
        """Buy the next merges until the number of tokens is the one wanted."""
        missing = self.wanted - len(self.tokens())
        while missing:
            if not self.queue:
                raise TokenizerError(
                    f"the text supports only {self.wanted - missing} new tokens, not {self.wanted}: "
                    "lower --new-tokens or give more text"
                )
            merge = self.queue.pop()
            if merge.token in self.dropped or not {merge.left, merge.right} <= self.known:
                continue
            self.merges.append(merge)
            if merge.token not in self.known:
                self.known.add(merge.token)
                missing -= 1

    def count(self, texts: Sequence[str], advance: Callable[[float], None]) -> dict[bytes, int]:
        """How often each new token occurs in `texts`, cut by the base with the merges bought."""
        size = self.base.size
        usage = self.base.extended(self.merges, size).usage(texts, advance)
        return {token: int(usage[size + n]) for n, token in enumerate(self.tokens())}

    def drop_unused(self, usage: dict[bytes, int], used_share: float) -> int:
        """Drop unused tokens, those that build nothing first, until few enough are left.

        Returns how many tokens were dropped.
        """
        children: defaultdict[bytes, set[bytes]] = defaultdict(set)
        for merge in self.merges:
            # A merge may also make a token that the base has and cannot reach; that one is not ours to drop.
            if merge.token not in self.base_tokens:
                children[merge.left].add(merge.token)
                children[merge.right].add(merge.token)
        trees = {token: _descendants(token, children) for token, count in usage.items() if not count}
        cost = {token: sum(usage[built] for built in tree) for token, tree in trees.items()}
        by_cost = sorted(trees, key=lambda token: (cost[token], token))
        excess = len(by_cost) - int((1 - used_share) * self.wanted)
        doomed: set[bytes] = set()
        for number, token in enumerate(by_cost):
            if cost[token] == 0 or number < excess:
                doomed |= trees[token]
        self.merges = [m for m in self.merges if not {m.left, m.right, m.token} & doomed]
        self.known -= doomed
        self.dropped |= doomed
        return len(doomed)


def _descendants(token: bytes, children: dict[bytes, set[bytes]]) -> set[bytes]:
    """`token` and every token that is built from it."""
    found, open_ = {token}, [token]
    while open_:
        for child in children.get(open_.pop(), ()):
            if child not in found:
                found.add(child)
                open_.append(child)
    return found
