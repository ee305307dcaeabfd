"""Which learned merges to keep, so that the selected tokens are tokens in use.

BPE learns some tokens that only serve to build longer ones. Up to a small share of them is kept, those whose
descendants occur most; the others are dropped together with their descendants, and the next most useful
merges take their places. Tokens that their own text does not reach and tokens that occur in protected text
are replaced in the same way. For learning merges see `learn`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import TokenizerError
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer, Ids
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.protect import occurring

USED_SHARE = 0.98
_ROUNDS = 12


@dataclass(frozen=True)
class Quotas:
    """How many tokens each of several languages may have while another one still has some to add.

    Attributes:
        owners: by token, the number of its language.
        most: of each language.
    """

    owners: Mapping[bytes, int] = field(repr=False)
    most: Sequence[int]


def quotas_of(owners: Mapping[bytes, int], shares: Sequence[float], total: int) -> Quotas:
    """The quotas of languages with the given shares of `total` tokens, which add up to it."""
    whole = sum(shares)
    ends = [round(total * sum(shares[: number + 1]) / whole) for number in range(len(shares))]
    return Quotas(owners, [end - start for start, end in zip([0, *ends], ends, strict=False)])


@dataclass(frozen=True)
class Selection:
    """The selected merges.

    Attributes:
        merges: in rank order; more merges than tokens where a token has two derivations.
        usage: int64, how often each new token occurs in the corpus, in id order.
        dropped: number of tokens dropped: unused, unreachable, in protected text, or descendants of those.
        tokenizer: the base with the new tokens.
    """

    merges: tuple[Merge, ...]
    usage: NDArray[np.int64]
    dropped: int
    tokenizer: FastTokenizer = field(repr=False)

    @property
    def unused(self) -> int:
        """Number of new tokens that never occur in the corpus."""
        return int((self.usage == 0).sum())


def select_merges(
    tokenizer: FastTokenizer,
    candidates: Sequence[Merge],
    texts: Sequence[str],
    new_tokens: int,
    protected: Sequence[str] = (),
    used_share: float = USED_SHARE,
    exact: bool = True,
    advance: Advance = lambda done: None,
    first_id: int | None = None,
    quotas: Quotas | None = None,
    usage_in: Callable[[FastTokenizer, Advance], Ids] | None = None,
) -> Selection:
    """Select merges that give exactly `new_tokens` tokens, at least `used_share` of them used in `texts`.

    Args:
        tokenizer: the base.
        candidates: from `learn_merges` or `build_donor_merges`.
        texts: the corpus that the candidates were learned on.
        new_tokens: how many tokens to select, at least 1.
        protected: texts in which none of the tokens may occur.
        used_share: between 0 and 1; with 0 no token is dropped for being unused.
        exact: whether to refuse a corpus that supports fewer tokens; otherwise take those that it supports.
        advance: called with the number of texts counted.
        first_id: id of the first new token, by default the first one that is free.
        quotas: how the tokens are divided among languages, or None.
        usage_in: counts the ids of the base with some of the tokens in `texts`, by default as
            `FastTokenizer.usage` does.

    Raises:
        TokenizerError: the corpus does not support so many tokens.
    """
    first_id = tokenizer.size if first_id is None else first_id
    selector = _Selector(tokenizer, candidates, new_tokens, exact, first_id, quotas)
    count = usage_in or (lambda extended, advance: extended.usage(texts, advance))
    rounds = 0
    while True:
        selector.fill()
        extended = tokenizer.extended(selector.merges, first_id)
        usage = selector.usage(count(extended, advance))
        rounds += 1
        # Tokens that are not allowed are dropped in every round, unused ones only in the first few.
        doomed = selector.unreached(extended)
        if not doomed and used_share and rounds <= _ROUNDS:
            doomed = selector.unused(usage, used_share)
        if not doomed:
            doomed = selector.present(extended, protected)
        if not doomed:
            break
        selector.drop(doomed)
    counted = np.array([usage[token] for token in selector.tokens()], dtype=np.int64)
    selection = Selection(tuple(selector.merges), counted, len(selector.dropped), extended)
    if exact and selection.unused > (1 - used_share) * new_tokens:
        raise TokenizerError(
            f"only {new_tokens - selection.unused} of {new_tokens} new tokens would be used: "
            "lower --new-tokens or give more text"
        )
    return selection


class _Selector:
    """The merges selected so far."""

    def __init__(
        self,
        base: FastTokenizer,
        candidates: Sequence[Merge],
        wanted: int,
        exact: bool,
        first_id: int,
        quotas: Quotas | None,
    ) -> None:
        self.base, self.wanted, self.exact, self.first_id = base, wanted, exact, first_id
        self.quotas = quotas
        self.queue = list(reversed(candidates))
        self.known = set(base.known_bytes)
        self.merges: list[Merge] = []
        self.dropped: set[bytes] = set()

    def tokens(self) -> list[bytes]:
        """The new tokens in id order."""
        return list(
            dict.fromkeys(merge.token for merge in self.merges if merge.token not in self.base.known_bytes)
        )

    def fill(self) -> None:
        """Select the next merges until there are as many tokens as wanted."""
        missing = self.wanted - len(self.tokens())
        room = self._room()
        waiting: list[Merge] = []
        while missing:
            if not self.queue and waiting:
                # No language with room has more: the rest is for the others.
                self.queue, waiting, room = waiting[::-1], [], None
                continue
            if not self.queue and not self.exact:
                return
            if not self.queue:
                raise TokenizerError(
                    f"the text supports only {self.wanted - missing} new tokens, not {self.wanted}: "
                    "lower --new-tokens or give more text"
                )
            merge = self.queue.pop()
            if merge.token in self.dropped:
                continue
            owner = self._owner(merge.token) if merge.token not in self.known else None
            if room is not None and owner is not None and room[owner] < 1:
                waiting.append(merge)
                continue
            if not self._parts(merge) <= self.known:
                continue
            self.merges.append(merge)
            if merge.token not in self.known:
                self.known.add(merge.token)
                missing -= 1
                if room is not None and owner is not None:
                    room[owner] -= 1
        self.queue.extend(reversed(waiting))

    def _owner(self, token: bytes) -> int | None:
        return None if self.quotas is None else self.quotas.owners.get(token)

    def _room(self) -> list[int] | None:
        """How many more tokens each language may have; None without quotas."""
        if self.quotas is None:
            return None
        room = list(self.quotas.most)
        for owner in map(self._owner, self.tokens()):
            if owner is not None:
                room[owner] -= 1
        return room

    def usage(self, usage: Ids) -> dict[bytes, int]:
        """How often each new token occurs, by how often each id does."""
        return {token: int(usage[self.first_id + n]) for n, token in enumerate(self.tokens())}

    def unreached(self, extended: FastTokenizer) -> set[bytes]:
        """The new tokens that their own text does not reach, and their descendants."""
        numbered = enumerate(self.tokens(), self.first_id)
        missed = [token for index, token in numbered if not extended.reaches(index)]
        return self._with_descendants(missed)

    def present(self, extended: FastTokenizer, protected: Sequence[str]) -> set[bytes]:
        """The new tokens that occur in `protected`, and their descendants."""
        return self._with_descendants(occurring(self.base, extended, protected)[0])

    def unused(self, usage: dict[bytes, int], used_share: float) -> set[bytes]:
        """Unused tokens to drop, with descendants: those whose descendants occur least first."""
        children = self._children()
        trees = {token: _descendants(token, children) for token, count in usage.items() if not count}
        cost = {token: sum(usage[built] for built in tree) for token, tree in trees.items()}
        by_cost = sorted(trees, key=lambda token: (cost[token], token))
        excess = len(by_cost) - int((1 - used_share) * self.wanted)
        doomed: set[bytes] = set()
        for number, token in enumerate(by_cost):
            if cost[token] == 0 or number < excess:
                doomed |= trees[token]
        return doomed

    def drop(self, doomed: set[bytes]) -> None:
        """Drop the tokens for good."""
        self.merges = [m for m in self.merges if not (self._parts(m) | {m.token}) & doomed]
        self.known -= doomed
        self.dropped |= doomed

    def _parts(self, merge: Merge) -> set[bytes]:
        return {merge.left, merge.right} if merge.left and self.base.needs_parts else set()

    def _children(self) -> dict[bytes, set[bytes]]:
        children: defaultdict[bytes, set[bytes]] = defaultdict(set)
        for merge in self.merges:
            # A merge may also build a token that the base has and cannot reach; that one is never dropped.
            if merge.token not in self.base.known_bytes:
                for part in self._parts(merge):
                    children[part].add(merge.token)
        return children

    def _with_descendants(self, tokens: Iterable[bytes]) -> set[bytes]:
        children = self._children()
        return {built for token in tokens for built in _descendants(token, children)}


def _descendants(token: bytes, children: dict[bytes, set[bytes]]) -> set[bytes]:
    """`token` and every token built from it."""
    found, open_ = {token}, [token]
    while open_:
        for child in children.get(open_.pop(), ()):
            if child not in found:
                found.add(child)
                open_.append(child)
    return found
