"""The packed texts of a run as the data set of its trainer: at each place is what `Order` puts there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vocabx.training.order import Order
from vocabx.training.packed import IGNORED, PackedSequence, PackedText


@dataclass(frozen=True)
class Sequences(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Sequences by their places in a run.

    Attributes:
        target, replay: the packed texts; no replay where none is mixed in.
        order: which sequence stands where.
        count: places of the whole run.
    """

    target: PackedText
    replay: PackedText | None
    order: Order
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> dict[str, Any]:
        found = self.at(place)
        return {"input_ids": found.ids, "position_ids": found.positions, "labels": found.labels}

    def at(self, place: int) -> PackedSequence:
        """The sequence at a place."""
        source, number = self.order.at(place)
        text = self.target if source == "target" or self.replay is None else self.replay
        return text.sequence(number)

    def labels(self, places: range) -> NDArray[np.int64]:
        """The tokens that are predicted at some places, (n,) int64."""
        rows: NDArray[np.int64] = np.concatenate([self.at(place).labels for place in places])
        return np.compress(rows != IGNORED, rows)


def collate(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Items of `Sequences` as one batch, each (B, L) int64."""
    return {name: torch.from_numpy(np.stack([item[name] for item in items])) for name in items[0]}
