"""The likelihood of a continuation, given its context, where a token may straddle the place between the two.

A harness splits a text into context and continuation and tokenizes both together. With longer tokens, one
token more often covers the end of the context and the beginning of the continuation. Then neither
tokenization of the parts fits: the context's own ends in tokens that the model never saw before such a
continuation, and what follows as many tokens of the joint one as the context has is not the continuation.

Here the probability is that of the text. With h, the tokens before the first that differ, and r, the rest of
the context in bytes:

    log p(continuation | context) = log p(joint tokens after h | h) − log p(the text goes on with r | h)

The subtrahend sums over all tokens that begin with r, and over those that begin with what is left of r after
the first tokens of the context's own tokenization or of a joint one: the cover of the context, restricted to
tokenizations that are at hand (after arXiv 2412.03719 [inferred]). It is the same for all continuations of
one context, so choices are compared by the likelihood of their whole text; and since it is no smaller than
the minuend, the result is a probability. Where no continuation of a context straddles, it is the plain sum
over the continuation's tokens, and nothing is computed here.

Legend of names: N tokens after h, V ids.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# Given tokens before and N tokens after them: log p of every id in place of each of the latter, (N, V).
LogProbabilities: TypeAlias = Callable[[Sequence[int], Sequence[int]], NDArray[np.floating]]


@dataclass(frozen=True)
class Vocabulary:
    """The bytes of every token, and which tokens begin with given bytes.

    Attributes:
        token_bytes: id to the bytes that a token stands for; ids without a text are not in it.
    """

    token_bytes: Mapping[int, bytes]

    @cached_property
    def _sorted(self) -> tuple[list[bytes], NDArray[np.int64]]:
        order = sorted((data, index) for index, data in self.token_bytes.items())
        return [data for data, _ in order], np.array([index for _, index in order], dtype=np.int64)

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.token_bytes.values()), default=0)

    def beginning_with(self, rest: bytes) -> NDArray[np.int64]:
        """The ids of the tokens whose bytes begin with `rest`, int64."""
        texts, ids = self._sorted
        # No byte is above 0xFF.
        end = rest + b"\xff" * (1 + self._longest)
        return ids[bisect_left(texts, rest) : bisect_left(texts, end)]

    def agreeing_with(self, rest: bytes) -> NDArray[np.int64]:
        """The ids of the tokens whose bytes begin with `rest`, or that `rest` begins with, int64."""
        texts, ids = self._sorted
        parts = [rest[:length] for length in range(1, min(len(rest), self._longest + 1))]
        shorter = [ids[bisect_left(texts, part) : bisect_right(texts, part)] for part in parts]
        return np.concatenate([self.beginning_with(rest), *shorter])

    def text(self, ids: Sequence[int]) -> bytes:
        """The bytes of several tokens; those without a text count as empty."""
        return b"".join(self.token_bytes.get(index, b"") for index in ids)


@dataclass(frozen=True)
class Split:
    """A context with its continuations, tokenized.

    Attributes:
        head: the tokens that the context and all joint tokenizations begin with.
        context: the tokens of the context after them.
        joint: for each continuation, the tokens of both together after them; none is empty.
    """

    head: tuple[int, ...]
    context: tuple[int, ...]
    joint: tuple[tuple[int, ...], ...]

    @property
    def straddled(self) -> tuple[bool, ...]:
        """For each continuation, whether the joint tokenization does not begin with that of the context."""
        size = len(self.context)
        return tuple(tokens[:size] != self.context or len(tokens) == size for tokens in self.joint)


def split_group(context: Sequence[int], joint: Sequence[Sequence[int]]) -> Split:
    """Find the tokens that a context and its joint tokenizations share.

    Args:
        context: the tokens of the context alone.
        joint: the tokens of the context and each of its continuations together.
    """
    size = len(context)
    for tokens in joint:
        shared = next(
            (n for n, two in enumerate(zip(context, tokens, strict=False)) if two[0] != two[1]), None
        )
        # A joint tokenization that adds no token has the continuation within the last one.
        most = min(len(context), len(tokens) - 1)
        size = min(size, most if shared is None else min(shared, most))
    return Split(tuple(context[:size]), tuple(context[size:]), tuple(tuple(t[size:]) for t in joint))


def continuation_scores(
    split: Split, vocabulary: Vocabulary, log_probabilities: LogProbabilities
) -> list[tuple[float, bool]]:
    """The log p of each continuation in nats, and whether greedy decoding after the context gives it.

    Greedy decoding is restricted to tokens that agree with the rest of the context.

    Args:
        split: the group; its head must not be empty.
        vocabulary: of the tokenizer.
        log_probabilities: of the model, after the head.
    """
    rest = vocabulary.text(split.context)
    cover: dict[tuple[int, ...], float] = {}
    found: dict[tuple[int, ...], tuple[float, bool]] = {}
    # One sequence's probabilities at a time: of a large vocabulary they take megabytes for each token.
    for tokens in dict.fromkeys(filter(None, (split.context, *split.joint))):
        rows = log_probabilities(split.head, tokens)
        own = rows[np.arange(len(tokens)), list(tokens)].astype(np.float64)
        for number, left in _within(tokens, rest, vocabulary):
            fitting = rows[number][vocabulary.beginning_with(left)].astype(np.float64)
            ends = float(np.logaddexp.reduce(fitting, initial=-np.inf))
            cover[tokens[:number]] = float(own[:number].sum()) + ends
        found[tokens] = float(own.sum()), _is_greedy(tokens, rows, rest, vocabulary)
    covered = float(np.logaddexp.reduce(list(cover.values()), initial=-np.inf)) if rest else 0.0
    return [(score - covered, greedy) for score, greedy in map(found.__getitem__, split.joint)]


def _within(tokens: Sequence[int], rest: bytes, vocabulary: Vocabulary) -> Iterator[tuple[int, bytes]]:
    """The places of `tokens` within `rest`, each with what is left of it, up to a token that does not fit."""
    left = rest
    for number, index in enumerate(tokens):
        if not left:
            return
        yield number, left
        own = vocabulary.token_bytes.get(index, b"")
        if not own or not left.startswith(own):
            return
        left = left[len(own) :]


def _is_greedy(
    tokens: Sequence[int], rows: NDArray[np.floating], rest: bytes, vocabulary: Vocabulary
) -> bool:
    within = dict(_within(tokens, rest, vocabulary))
    for number, index in enumerate(tokens):
        row = rows[number]
        if number in within:
            allowed = vocabulary.agreeing_with(within[number])
            best = int(allowed[row[allowed].argmax()]) if allowed.size else -1
        else:
            best = int(row.argmax())
        if best != index:
            return False
    return True
