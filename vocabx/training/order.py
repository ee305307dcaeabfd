"""Which sequence is learned from at which place: pure functions of seed and place, so a resume needs no
memory.

Places are numbered through the whole run. Knows numbers only, no text.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Source = Literal["target", "replay"]
# Shares are counted in whole parts of a million: sums of floats would drift over a long run.
_PARTS = 1_000_000


@dataclass(frozen=True)
class Order:
    """The order of a run.

    Attributes:
        target: how many sequences there are of the new language.
        replay: how many of the base's language; 0 where none is replayed.
        replay_share: share of places that go to replay, from 0 up to but not 1.
        target_subset, replay_subset: how many of each are learned from at all: the first of one permutation
            of them, in another order each time they come round.
        seed: of the permutations.
    """

    target: int
    replay: int
    replay_share: float
    target_subset: int
    replay_subset: int
    seed: int

    def at(self, place: int) -> tuple[Source, int]:
        """The source and the number of the sequence at a place."""
        parts = round(self.replay_share * _PARTS) if self.replay else 0
        before = place * parts // _PARTS
        if (place + 1) * parts // _PARTS > before:
            return "replay", _chosen(self.replay, self.replay_subset, self.seed + 1, before)
        return "target", _chosen(self.target, self.target_subset, self.seed, place - before)


def _chosen(count: int, subset: int, seed: int, index: int) -> int:
    """The sequence that comes at `index` among those of its source."""
    round_, place = divmod(index, subset)
    first = _permutation(count, seed, 0)
    return int(first[place] if not round_ else first[_permutation(subset, seed, round_)[place]])


@lru_cache(maxsize=8)
def _permutation(count: int, seed: int, round_: int) -> NDArray[np.intp]:
    return np.random.Generator(np.random.PCG64([seed & 0xFFFFFFFF, round_])).permutation(count)
