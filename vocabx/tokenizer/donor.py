"""Tokens from another tokenizer of any family: which are taken, and the merges that produce them.

Tokens are identified by their bytes, so a SentencePiece piece enters a byte-level base through its byte
alphabet, and vice versa. In BPE a token is reachable only through its parts: where the donor lacks those,
intermediate tokens are added from left to right, or the token is dropped.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer, is_mixed
from vocabx.tokenizer.merges import Merge
from vocabx.tokenizer.read_tokenizer import read_tokenizer
from vocabx.tokenizer.sentencepiece_model import lacks_bytes
from vocabx.tokenizer.tiktoken_file import is_tiktoken, read_tiktoken

# Donors give ranks, not counts; frequency is taken as the inverse of the rank (Zipf).
_ZIPF = 10**9


@dataclass(frozen=True)
class DonorMerges:
    """What a base takes from a donor.

    Attributes:
        merges: in the order in which they must be added.
        taken: tokens of the donor among them.
        intermediates: tokens added only to build those.
        dropped: tokens of the language that the base cannot take.
        known: tokens of the language that the base already has.
    """

    merges: tuple[Merge, ...]
    taken: int
    intermediates: int
    dropped: int
    known: int


def read_donor(path: Path) -> list[bytes]:
    """The bytes of a tokenizer's tokens in id order, without added tokens.

    Raises:
        TokenizerError: the path holds no tokenizer.
    """
    if path.is_file() and path.suffix != ".json" and is_tiktoken(path):
        return read_tiktoken(path)
    tokens = read_tokenizer(path).token_bytes
    return list(dict.fromkeys(tokens[index] for index in sorted(tokens)))


def donor_lacks_bytes(path: Path) -> bool:
    """Whether a donor states byte fallback without the tokens that it needs; see `lacks_bytes`.

    Raises:
        TokenizerError: the path holds no tokenizer.
    """
    if path.is_file() and path.suffix != ".json" and is_tiktoken(path):
        return False
    return lacks_bytes(read_tokenizer(path).spec)


def of_language(tokens: Iterable[bytes], allows_token: Callable[[bytes], bool]) -> list[bytes]:
    """The `tokens` that consist of complete characters of a language and are not white space, in order."""
    return [token for token in tokens if _is_whole(token) and token.strip() and allows_token(token)]


def build_donor_merges(
    base: FastTokenizer,
    donor: Sequence[bytes],
    allows_token: Callable[[bytes], bool],
    add_intermediates: bool,
    limit: int | None = None,
    advance: Advance = lambda done: None,
) -> DonorMerges:
    """Find the merges that give `base` those tokens of `donor` that a language may have.

    Args:
        base: the tokenizer to extend.
        donor: tokens, most frequent first.
        allows_token: whether the language may have a token.
        add_intermediates: whether to add missing intermediate tokens; otherwise tokens that need them are
            dropped.
        limit: take at most this many tokens, the first that the base lacks and can represent; None for all.
        advance: called with the number of tokens done.
    """
    whole = list(dict.fromkeys(_in_base_form(base, token) for token in of_language(donor, allows_token)))
    missing = [(token, rank) for rank, token in enumerate(whole) if token not in base.known_bytes]
    takeable = [(token, rank) for token, rank in missing if _can_take(base, token)]
    wanted = dict(takeable[:limit])
    # Tokens beyond the limit do not count as dropped.
    untouched = len(takeable) - len(wanted)
    counts = {token: max(1, _ZIPF // (rank + 1)) for token, rank in wanted.items()}
    builder = _MergeBuilder(base, counts, allows_token, add_intermediates)
    by_length: defaultdict[int, list[bytes]] = defaultdict(list)
    for token in wanted:
        by_length[len(token.decode())].append(token)
    # Shorter tokens first: longer ones are built from them.
    for length in sorted(by_length):
        builder.add(by_length[length])
        advance(len(by_length[length]))
    made = {merge.token for merge in builder.merges} - base.known_bytes
    taken = len(made & wanted.keys())
    return DonorMerges(
        merges=tuple(builder.merges),
        taken=taken,
        intermediates=len(made) - taken,
        dropped=len(missing) - untouched - taken,
        known=len(whole) - len(missing),
    )


def _in_base_form(base: FastTokenizer, token: bytes) -> bytes:
    """`token` as the base represents it: a base may use one piece with and without a leading space."""
    piece = base.bytes_to_piece(token)
    return token if piece is None else base.piece_to_bytes(piece) or token


def _can_take(base: FastTokenizer, token: bytes) -> bool:
    """Whether the base may have `token`, it can occur in tokenized text, and no added token is the same."""
    piece = None if is_mixed(token) and not base.mixes else base.bytes_to_piece(token)
    return piece is not None and piece not in base.vocabulary and base.keeps(token.decode())


def _is_whole(token: bytes) -> bool:
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


class _MergeBuilder:
    """The merges found so far."""

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
        """Add merges until each of `tokens` is reached from its own text, or is dropped."""
        pending = list(tokens)
        # Later merges rank after all earlier ones, so each round leaves a token in fewer parts.
        for _ in range(max(map(len, tokens))):
            done = len(self.merges)
            pending = [token for token in pending if self._extend(token)]
            # Without parts one merge makes a token; and after a round that adds nothing, so would all others.
            if not self.base.needs_parts or len(self.merges) == done:
                break
            self.current = self.base.extended(self.merges, self.base.size)
            pending = [token for token in pending if not self._reached(token)]
            if not pending:
                break

    def _extend(self, token: bytes) -> bool:
        """Add the merges that `token` needs; return False when it has to be dropped."""
        fresh = [pair for pair in self._pairs(token) if pair not in self.pairs]
        missing = {left + right for left, right in fresh} - self.known - {token}
        # An incomplete character may begin characters of other languages too, and would occur in their text.
        if (missing and not self.add_intermediates) or not all(map(self.allows_token, missing)):
            return False
        for left, right in fresh:
            self.pairs.add((left, right))
            self.known.add(left + right)
            self.merges.append(Merge(left, right, self.counts.get(left + right, 1)))
        return True

    def _pairs(self, token: bytes) -> list[tuple[bytes, bytes]]:
        """The merges that build `token` from its current tokenization."""
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
    """Minimal runs of `parts` that form complete characters."""
    units: list[list[bytes]] = []
    for part in parts:
        if units and 0x80 <= part[0] < 0xC0:
            units[-1].append(part)
        else:
            units.append([part])
    return units
