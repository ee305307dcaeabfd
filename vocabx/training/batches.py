"""The packed texts of a run as the dataset of its trainer, in the sequence given by `Order`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vocabx.training.masking import Hiding
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
        masking: how what is to be predicted is hidden; None to predict each next token.
    """

    target: PackedText
    replay: PackedText | None
    order: Order | DecayOrder | StoredOrder
    count: int
    decay: PackedText | None = None
    masking: Hiding | None = None

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, position: int) -> dict[str, Any]:
        if self.masking is not None:
            text, number = self._at(position)
            return self.masking.item(text.stored(number), position)
        found = self.at(position)
        return {"input_ids": found.ids, "position_ids": found.positions, "labels": found.labels}

    def at(self, position: int) -> PackedSequence:
        """The sequence at a position."""
        text, number = self._at(position)
        return text.sequence(number)

    def labels(self, positions: range) -> NDArray[np.int64]:
        """The tokens to predict in the sequences at some positions, (n,) int64."""
        rows: NDArray[np.int64] = np.concatenate([self[position]["labels"] for position in positions])
        return np.compress(rows != IGNORED, rows)

    def tokens(self, positions: range) -> NDArray[np.int64]:
        """The tokens of the text at some positions, hidden or not, (n,) int64."""
        rows: NDArray[np.int64] = np.concatenate([self.at(position).labels for position in positions])
        return np.compress(rows != IGNORED, rows)

    def _at(self, position: int) -> tuple[PackedText, int]:
        """The packed text of the sequence at a position, and its number there."""
        source, number = self.order.at(position)
        text = {"replay": self.replay, "decay": self.decay}.get(source)
        return (self.target if text is None else text), number


def collate(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Items of `Sequences` as one batch, each (B, L) int64."""
    return {name: torch.from_numpy(np.stack([item[name] for item in items])) for name in items[0]}
