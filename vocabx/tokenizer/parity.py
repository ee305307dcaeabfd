"""In which order several languages get their tokens: the worst-served first, or each by its share.

Parity-aware BPE (Foroutan et al., arXiv 2508.04796) chooses each merge for the language whose text is
compressed worst at that moment. It measures that on parallel text, which need not be at hand: here, it is the
number of tokens for as much information, which is taken to be the size of the text after bzip2. That
translations of a text are about equally long when they are compressed is what Behr et al. found (Estimating
and comparing entropies across written natural languages using PPM compression, DCC 2003); that it does for
this purpose is inferred, and `benchmarks/parity.py` shows how well.

The merges of each language are learned on its own text before, and are only put in order here. Left out: the
paper's window, which keeps one language from gaining many times in a row. Instead, a language waits once its
text is near its floor, below which no token brings it.
"""

import bz2
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from vocabx.tokenizer.merges import Merge

# As much as one block of bzip2.
_SAMPLE = 900_000
# Of the tokens above the floor, the share at which a language has nearly what it can have.
_NEAR = 0.02


@dataclass(frozen=True)
class LanguageMerges:
    """What one of several languages would learn alone.

    Attributes:
        merges: in the order of its own usefulness, each after the merges that make its parts.
        tokens: length of its text in the base's tokens.
        least: the fewest tokens that its text can have, 0 if that is not known.
        information: of its text, in any unit that is the same for all.
    """

    merges: Sequence[Merge] = field(repr=False)
    tokens: int
    least: int
    information: float


@dataclass(frozen=True)
class Ordered:
    """The merges of several languages in one order.

    Attributes:
        merges: each once, with the number of times that it applies in all texts.
        owners: by the token, the number of the language that it was taken for.
    """

    merges: tuple[Merge, ...]
    owners: dict[bytes, int] = field(repr=False)


def information_of(texts: Sequence[Sequence[str]]) -> list[float]:
    """The bytes of each text after bzip2, estimated from its beginning, of equal length for all texts.

    Args:
        texts: the lines of each language.
    """
    encoded = ["\n".join(lines).encode() for lines in texts]
    # A longer text is compressed better, so that samples of different lengths would not compare.
    size = min(_SAMPLE, *map(len, encoded)) if len(encoded) > 1 else _SAMPLE
    found = []
    for data in encoded:
        sample = data[:size]
        found.append(len(data) * len(bz2.compress(sample)) / max(1, len(sample)))
    return found


def by_parity(languages: Sequence[LanguageMerges]) -> Ordered:
    """Put each merge where the language that needs it is served worst: has most tokens for its information.

    A merge that several languages have counts for all of them when it is taken for one. A language whose text
    has no more than 2 % of what it has above its floor waits until all others do, or have no merges left.
    """
    taken = _Taken(languages)
    lengths = [one.tokens for one in languages]
    places = [0] * len(languages)
    heap = [(False, -one.tokens / max(1.0, one.information), number) for number, one in enumerate(languages)]
    heapq.heapify(heap)
    while heap:
        _, _, number = heapq.heappop(heap)
        language = languages[number]
        # Merges that another language has taken already are no choice.
        while places[number] < len(language.merges):
            merge = language.merges[places[number]]
            places[number] += 1
            lengths[number] -= merge.count
            if taken.add(merge, number):
                break
        if places[number] < len(language.merges):
            above = language.tokens - language.least
            near = bool(language.least) and lengths[number] - language.least <= _NEAR * above
            heapq.heappush(heap, (near, -lengths[number] / max(1.0, language.information), number))
    return taken.ordered()


def by_shares(languages: Sequence[LanguageMerges], shares: Sequence[float]) -> Ordered:
    """Put the merges in an order whose every beginning has about the given share of each language."""
    taken = _Taken(languages)
    places, counts = [0] * len(languages), [0] * len(languages)
    open_ = {number for number, share in enumerate(shares) if share > 0}
    while open_:
        number = min(open_, key=lambda one: ((counts[one] + 1) / shares[one], one))
        while places[number] < len(languages[number].merges):
            merge = languages[number].merges[places[number]]
            places[number] += 1
            if taken.add(merge, number):
                counts[number] += 1
                break
        else:
            open_.discard(number)
    return taken.ordered()


class _Taken:
    """The merges in the order in which they were taken."""

    def __init__(self, languages: Sequence[LanguageMerges]) -> None:
        self.totals: dict[tuple[bytes, bytes], int] = {}
        for language in languages:
            for merge in language.merges:
                pair = (merge.left, merge.right)
                self.totals[pair] = self.totals.get(pair, 0) + merge.count
        self.pairs: dict[tuple[bytes, bytes], None] = {}
        self.owners: dict[bytes, int] = {}

    def add(self, merge: Merge, number: int) -> bool:
        """Take a merge for a language; False if it was taken before."""
        pair = (merge.left, merge.right)
        if pair in self.pairs:
            return False
        self.pairs[pair] = None
        self.owners.setdefault(merge.token, number)
        return True

    def ordered(self) -> Ordered:
        """All of them."""
        merges = tuple(Merge(left, right, self.totals[left, right]) for left, right in self.pairs)
        return Ordered(merges, self.owners)
