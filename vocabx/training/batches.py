"""The packed texts of a run as the dataset of its trainer, in the sequence given by `Order`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vocabx.training.order import DecayOrder, Order, StoredOrder
from vocabx.training.packed import IGNORED, PackedSequence, PackedText


@dataclass(frozen=True)
class Sequences(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Sequences by their position in a run.

    Attributes:
        target, replay: the packed texts; replay is None if none is mixed in.
        order: the order of the sequences.
        count: number of sequences in the whole run.
        decay: the packed text of the decay, None if it has none of its own.
    """

    target: PackedText
    replay: PackedText | None
    order: Order | DecayOrder | StoredOrder
    count: int
    decay: PackedText | None = None

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, position: int) -> dict[str, Any]:
        found = self.at(position)
        return {"input_ids": found.ids, "position_ids": found.positions, "labels": found.labels}

    def at(self, position: int) -> PackedSequence:
        """The sequence at a position."""
        source, number = self.order.at(position)
        text = {"replay": self.replay, "decay": self.decay}.get(source)
        return (self.target if text is None else text).sequence(number)

    def labels(self, positions: range) -> NDArray[np.int64]:
        """The tokens to predict in the sequences at some positions, (n,) int64."""
        rows: NDArray[np.int64] = np.concatenate([self.at(position).labels for position in positions])
        return np.compress(rows != IGNORED, rows)


def collate(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Items of `Sequences` as one batch, each (B, L) int64."""
    return {name: torch.from_numpy(np.stack([item[name] for item in items])) for name in items[0]}
