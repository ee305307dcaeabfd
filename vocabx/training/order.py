"""The order of the training sequences: pure functions of seed and position, so resuming needs no state.

Positions are counted through the whole run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Source = Literal["target", "replay", "decay"]
# Shares are integers in parts per million: sums of floats would drift over a long run.
_PARTS = 1_000_000


@dataclass(frozen=True)
class Order:
    """The order of the sequences in a run.

    Attributes:
        target: number of sequences in the new language.
        replay: number of sequences in the base's language; 0 without replay.
        replay_share: share of replay among the sequences, from 0 up to but not including 1.
        target_subset, replay_subset: how many of each are used at all: the first of one permutation, in
            another order in each epoch.
        seed: seed of the permutations.
    """

    target: int
    replay: int
    replay_share: float
    target_subset: int
    replay_subset: int
    seed: int

    def at(self, position: int) -> tuple[Source, int]:
        """The source and the number of the sequence at a position of the run."""
        return self.after(position, 0)

    def after(self, position: int, replayed: int) -> tuple[Source, int]:
        """The same where so many sequences of replay were read before position 0."""
        before = self.replays_before(position)
        if self.replays_before(position + 1) > before:
            return "replay", _chosen(self.replay, self.replay_subset, self.seed + 1, replayed + before)
        return "target", _chosen(self.target, self.target_subset, self.seed, position - before)

    def replays_before(self, position: int) -> int:
        """How many of the sequences before a position are replay."""
        parts = round(self.replay_share * _PARTS) if self.replay else 0
        return position * parts // _PARTS


@dataclass(frozen=True)
class DecayOrder:
    """The order of a run whose text changes when its learning rates decay.

    Attributes:
        stable, decay: the orders before that and from then on. Both replay the same text, and the second one
            goes on with it where the first one ends.
        begin: gives the position of the change, which may become known during the run; never before it is
            reached.
    """

    stable: Order
    decay: Order
    begin: Callable[[], int]

    def at(self, position: int) -> tuple[Source, int]:
        """The source and the number of the sequence at a position of the run."""
        begin = self.begin()
        if position < begin:
            return self.stable.at(position)
        source, number = self.decay.after(position - begin, self.stable.replays_before(begin))
        return ("decay" if source == "target" else source), number


@dataclass(frozen=True)
class StoredOrder:
    """The order in which sequences are stored, over and over.

    Attributes:
        target_subset: number of sequences.
        replay_share: the share of replay in the text of which they were made.
        replay: 0, as target and replay text are stored together.
    """

    target_subset: int
    replay_share: float
    replay: int = 0

    def at(self, position: int) -> tuple[Source, int]:
        """The source and the number of the sequence at a position of the run."""
        return "target", position % self.target_subset


def _chosen(count: int, subset: int, seed: int, index: int) -> int:
    """The sequence at `index` among those of its source."""
    round_, position = divmod(index, subset)
    first = _permutation(count, seed, 0)
    return int(first[position] if not round_ else first[_permutation(subset, seed, round_)[position]])


@lru_cache(maxsize=8)
def _permutation(count: int, seed: int, round_: int) -> NDArray[np.intp]:
    return np.random.Generator(np.random.PCG64([seed & 0xFFFFFFFF, round_])).permutation(count)
