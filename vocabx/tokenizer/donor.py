"""Tokens from another tokenizer, whatever its family: which are taken, and the merges that make them.

A token is known by its bytes, so a SentencePiece piece goes into a byte-level base through its byte
alphabet, and back. In BPE a token can be reached only through tokens that make it: where the donor has
none that do, intermediates are bought from left to right, or the token is dropped.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merge import Merge
from vocabx.tokenizer.read import read_tokenizer
from vocabx.tokenizer.tiktoken_file import is_tiktoken, read_tiktoken

# A donor without counts gives ranks; frequency falls as their inverse (Zipf).
_ZIPF = 10**9


@dataclass(frozen=True)
class Donation:
    """What a base takes of a donor.

    Attributes:
        merges: in the order in which they must be added.
        taken: tokens of the donor among them.
        intermediates: tokens bought only to build those.
        dropped: tokens of the language that the base cannot take.
        known: tokens of the language that the base has.
    """

    merges: tuple[Merge, ...]
    taken: int
    intermediates: int
    dropped: int
    known: int


def read_donor(path: Path) -> list[bytes]:
    """The tokens of a tokenizer by their bytes, in the order of their ids; added tokens are left out.

    Raises:
        TokenizerError: it is no tokenizer.
    """
    if path.is_file() and path.suffix != ".json" and is_tiktoken(path):
        return read_tiktoken(path)
    tokens = read_tokenizer(path).token_bytes
    return list(dict.fromkeys(tokens[index] for index in sorted(tokens)))


def donate(
    base: FastTokenizer,
    donor: Sequence[bytes],
    allows_token: Callable[[bytes], bool],
    buy: bool,
    advance: Callable[[float], None] = lambda done: None,
) -> Donation:
    """Find the merges that give `base` the tokens of `donor` that a language may have.

    Args:
        base: the tokenizer to extend.
        donor: tokens, most frequent first.
        allows_token: refuses tokens that the language must not hold.
        buy: whether to buy the intermediates that are missing; else such tokens are dropped.
        advance: called with the number of tokens done.
    """
    whole = [token for token in donor if _is_whole(token) and token.strip() and allows_token(token)]
    wanted = {token: rank for rank, token in enumerate(whole) if token not in base.known_bytes}
    path = _Path(base, {token: max(1, _ZIPF // (rank + 1)) for token, rank in wanted.items()}, buy)
    by_length: defaultdict[int, list[bytes]] = defaultdict(list)
    for token in wanted:
        by_length[len(token.decode())].append(token)
    # Parts before wholes: a token is built from the shorter ones that are there.
    for length in sorted(by_length):
        path.add(by_length[length])
        advance(len(by_length[length]))
    made = {merge.token for merge in path.merges} - base.known_bytes
    taken = len(made & wanted.keys())
    return Donation(
        merges=tuple(path.merges),
        taken=taken,
        intermediates=len(made) - taken,
        dropped=len(wanted) - taken,
        known=len(whole) - len(wanted),
    )


def _is_whole(token: bytes) -> bool:
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Path:
    """The merges found so far; the only mutable thing here, gone when the donation is made."""

    def __init__(self, base: FastTokenizer, counts: dict[bytes, int], buy: bool) -> None:
        self.base, self.counts, self.buy = base, counts, buy
        self.current = base
        self.known = set(base.known_bytes)
        self.merges: list[Merge] = []
        self.pairs: set[tuple[bytes, bytes]] = set()

    def add(self, tokens: Sequence[bytes]) -> None:
        """Add merges until each of `tokens` is what its own text is cut into, or is dropped."""
        pending = [token for token in tokens if self.base.spelling(token) is not None]
        while pending:
            pending = [token for token in pending if self._extend(token)]
            self.current = self.base.extended(self.merges, self.base.size)
            pending = [token for token in pending if not self._reached(token)]
            # Later merges rank behind all earlier ones, so each round leaves a token in fewer parts.

    def _extend(self, token: bytes) -> bool:
        """Add the merges that `token` needs; False when it has to be dropped."""
        fresh = [pair for pair in self._pairs(token) if pair not in self.pairs]
        missing = {left + right for left, right in fresh} - self.known - {token}
        if missing and not self.buy:
            return False
        for left, right in fresh:
            self.pairs.add((left, right))
            self.known.add(left + right)
            self.merges.append(Merge(left, right, self.counts.get(left + right, 1)))
        return True

    def _pairs(self, token: bytes) -> list[tuple[bytes, bytes]]:
        """The merges that make `token` of what it is cut into now."""
        if not self.base.needs_parts:
            return [(b"", token)]
        pairs: list[tuple[bytes, bytes]] = []
        left = b""
        for unit in _units([self.current.token_bytes[index] for index in self.current.cut(token)]):
            if len(unit) > 1:
                pairs += self.base.assemble(unit)
            right = b"".join(unit)
            if left:
                pairs.append((left, right))
            left += right
        return pairs

    def _reached(self, token: bytes) -> bool:
        index = self.current.vocabulary.get(self.base.spelling(token) or "")
        return index is not None and self.current.reaches(index)


def _units(parts: Sequence[bytes]) -> list[list[bytes]]:
    """Runs of `parts` that hold whole characters."""
    units: list[list[bytes]] = []
    for part in parts:
        if units and 0x80 <= part[0] < 0xC0:
            units[-1].append(part)
        else:
            units.append([part])
    return units
