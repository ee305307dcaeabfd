"""Tokens from another tokenizer, whatever its family: which are taken, and the merges that make them.

A token is known by its bytes, so a SentencePiece piece goes into a byte-level base through its byte
alphabet, and back. In BPE a token can be reached only through tokens that make it: where the donor has
none that do, intermediates are bought from left to right, or the token is dropped.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.tiktoken_file import is_tiktoken, read_tiktoken

# A donor without counts gives ranks; frequency falls as their inverse (Zipf).
_ZIPF = 10**9


@dataclass(frozen=True)
class DonorMerges:
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


def of_language(tokens: Iterable[bytes], allows_token: Callable[[bytes], bool]) -> list[bytes]:
    """The `tokens` that are whole characters of a language and not white space alone, in their order."""
    return [token for token in tokens if _is_whole(token) and token.strip() and allows_token(token)]


def build_donor_merges(
    base: FastTokenizer,
    donor: Sequence[bytes],
    allows_token: Callable[[bytes], bool],
    add_intermediates: bool,
    limit: int | None = None,
    advance: Callable[[float], None] = lambda done: None,
) -> DonorMerges:
    """Find the merges that give `base` the tokens of `donor` that a language may have.

    Args:
        base: the tokenizer to extend.
        donor: tokens, most frequent first.
        allows_token: refuses tokens that the language must not hold.
        buy: whether to buy the intermediates that are missing; else such tokens are dropped.
        limit: how many tokens to take at most, the first that the base lacks and can hold; None for all.
        advance: called with the number of tokens done.
    """
    whole = list(dict.fromkeys(_as_written(base, token) for token in of_language(donor, allows_token)))
    missing = [(token, rank) for rank, token in enumerate(whole) if token not in base.known_bytes]
    takeable = [(token, rank) for token, rank in missing if _takes(base, token)]
    wanted = dict(takeable[:limit])
    # Those left out beyond the limit were not refused.
    untouched = len(takeable) - len(wanted)
    counts = {token: max(1, _ZIPF // (rank + 1)) for token, rank in wanted.items()}
    path = _Path(base, counts, allows_token, add_intermediates)
    by_length: defaultdict[int, list[bytes]] = defaultdict(list)
    for token in wanted:
        by_length[len(token.decode())].append(token)
    # Parts before wholes: a token is built from the shorter ones that are there.
    for length in sorted(by_length):
        path.add(by_length[length])
        advance(len(by_length[length]))
    made = {merge.token for merge in path.merges} - base.known_bytes
    taken = len(made & wanted.keys())
    return DonorMerges(
        merges=tuple(path.merges),
        taken=taken,
        intermediates=len(made) - taken,
        dropped=len(missing) - untouched - taken,
        known=len(whole) - len(missing),
    )


def _as_written(base: FastTokenizer, token: bytes) -> bytes:
    """`token` as the base tells it: it may write a character alike with and without a space before it."""
    piece = base.bytes_to_piece(token)
    return token if piece is None else base.piece_to_bytes(piece) or token


def _takes(base: FastTokenizer, token: bytes) -> bool:
    """Whether text can ever come to hold `token`, and no added token is written like it."""
    piece = base.bytes_to_piece(token)
    return piece is not None and piece not in base.vocabulary and base.keeps(token.decode())


def _is_whole(token: bytes) -> bool:
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Path:
    """The merges found so far; the only mutable thing here, gone when the donation is made."""

    def __init__(
        self,
        base: FastTokenizer,
        counts: dict[bytes, int],
        allows_token: Callable[[bytes], bool],
        add_intermediates: bool,
    ) -> None:
        self.base, self.counts, self.allows_token, self.add_intermediates = (
            base,
            counts,
            allows_token,
            add_intermediates,
        )
        self.current = base
        self.known = set(base.known_bytes)
        self.merges: list[Merge] = []
        self.pairs: set[tuple[bytes, bytes]] = set()

    def add(self, tokens: Sequence[bytes]) -> None:
        """Add merges until each of `tokens` is what its own text is cut into, or is dropped."""
        pending = list(tokens)
        # Later merges rank behind all earlier ones, so each round leaves a token in fewer parts.
        for _ in range(max(map(len, tokens))):
            pending = [token for token in pending if self._extend(token)]
            self.current = self.base.extended(self.merges, self.base.size)
            pending = [token for token in pending if not self._reached(token)]
            if not pending:
                break

    def _extend(self, token: bytes) -> bool:
        """Add the merges that `token` needs; False when it has to be dropped."""
        fresh = [pair for pair in self._pairs(token) if pair not in self.pairs]
        missing = {left + right for left, right in fresh} - self.known - {token}
        # Half a character may begin characters of other languages too, and would turn up in their text.
        if (missing and not self.add_intermediates) or not all(map(self.allows_token, missing)):
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
        for unit in _units([self.current.token_bytes[index] for index in self.current.tokenize(token)]):
            if len(unit) > 1:
                pairs += self.base.assemble(unit)
            right = b"".join(unit)
            if left:
                pairs.append((left, right))
            left += right
        return pairs

    def _reached(self, token: bytes) -> bool:
        index = self.current.vocabulary.get(self.base.bytes_to_piece(token) or "")
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
