"""A loss of hidden states beside that of the language model: new tokens shall mean what their pieces mean.

The teacher is the model itself without adapters, reading the same documents in pieces; the student reads the
new tokens. After a third of the layers, the two shall agree at the end of each token. Both states are those
of Token Distillation (arXiv 2505.20133), which trains rows alone; beside the loss of the language model,
falling to 0, it is derived here.

Legend of names: B sequences, L ids of one, P pieces of the longest, D width.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocabx.errors import InitializerError, TrainingError
from vocabx.initializers.base_tokenization import in_pieces
from vocabx.initializers.first_layers import layers_of
from vocabx.training.schedule import Schedule

# The share of the steps after which only the loss of the language model is left.
END = 0.5
_DEPTH = 3


def weight_at(weight: float, step: int, schedule: Schedule) -> float:
    """The weight of the loss at a step, counted from 0: it falls in a line to 0 at half of the run."""
    return weight * max(0.0, 1 - step / max(1.0, END * schedule.steps))


@dataclass(frozen=True)
class Pieces:
    """A batch in the base's tokens.

    Attributes:
        ids: (B, P) int64, filled up with 0.
        positions: (B, P), the position of each piece in its document; 0 where filled up.
        last: (B, L), where the last piece of each id is.
    """

    ids: Tensor
    positions: Tensor
    last: Tensor


class Alignment:
    """The loss of hidden states of one model.

    Attributes:
        weight: of this loss in the step that is trained; 0 leaves it out.
    """

    def __init__(self, pieces: Sequence[Sequence[int]], first_id: int, context: int) -> None:
        """See the class.

        Args:
            pieces: the old ids of each new token; one without any stands for nothing and is left out.
            first_id: the first new id.
            context: the largest number of positions that the model takes.
        """
        # An id without pieces is kept in place by one that is never compared.
        self._pieces = [tuple(one) or (0,) for one in pieces]
        self._known = torch.tensor([True] * first_id + [bool(one) for one in pieces])
        self._first, self._context = first_id, context
        self.weight = 0.0

    def loss(self, states_BLD: Tensor, model: Any, batch: "Batch", isolates: bool) -> Tensor:
        """Sum over positions of |student - teacher|² / |teacher|², a float32 scalar.

        Args:
            states_BLD: the student's states after the first layers, see `caught`.
            model: the model, inside a PeftModel if it has adapters.
            batch: what the student has read.
            isolates: whether restarting positions isolate documents, see `Abilities`.
        """
        read = self._in_pieces(batch)
        expected = self._teacher(model, read, isolates)
        last = read.last.clamp(max=expected.shape[1] - 1)
        expected_BLD = expected.gather(1, last[..., None].expand(-1, -1, expected.shape[2])).float()
        compared = batch.compared & (read.last == last) & self._known.to(last.device)[batch.ids]
        difference = (states_BLD.float() - expected_BLD).pow(2).sum(dim=2)
        size = expected_BLD.pow(2).sum(dim=2).clamp(min=torch.finfo(torch.float32).tiny)
        return torch.where(compared, difference / size, 0.0).sum()

    def _in_pieces(self, batch: "Batch") -> Pieces:
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
        for ids, positions in zip(batch.ids.cpu().numpy(), batch.positions.cpu().numpy(), strict=True):
            old, last = in_pieces(ids, self._pieces, self._first)
            # Each document begins with an id of one piece, at position 0.
            starts = np.zeros(len(old), np.int64)
            starts[last[positions == 0]] = last[positions == 0]
            found.append((old, np.arange(len(old)) - np.maximum.accumulate(starts), last))
        longest = min(self._context, max(len(old) for old, _, _ in found))
        ids, places = (np.zeros((len(found), longest), np.int64) for _ in range(2))
        for row, (old, position, _) in enumerate(found):
            size = min(longest, len(old))
            ids[row, :size], places[row, :size] = old[:size], position[:size]
        device = batch.ids.device
        last_BL = np.stack([last for _, _, last in found])
        return Pieces(*(torch.from_numpy(one).to(device) for one in (ids, places, last_BL)))

    def _teacher(self, model: Any, read: Pieces, isolates: bool) -> Tensor:
        """The teacher's states, (B, P, D)."""
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        inputs = {"input_ids": read.ids, "use_cache": False}
        if isolates:
            inputs["position_ids"] = read.positions
        with torch.no_grad(), _without_adapters(base), caught(base, stops=True) as states, suppress(_Reached):
            base.get_decoder()(**inputs)
        return states[0]


@dataclass(frozen=True)
class Batch:
    """What the student reads, (B, L) each.

    Attributes:
        ids, positions: see `PackedSequence`.
        compared: bool, where states are compared.
    """

    ids: Tensor
    positions: Tensor
    compared: Tensor


class _Reached(Exception):
    """Ends the teacher's forward pass; caught where it began."""


@contextmanager
def caught(model: Any, stops: bool = False) -> Iterator[list[Tensor]]:
    """Yield a list that receives the states after a third of the layers, (B, L, D), in the next forward pass.

    Args:
        model: a transformers model that predicts the next token.
        stops: whether to end that pass there, by an exception.

    Raises:
        TrainingError: the layers of the model are not found.
    """
    found: list[Tensor] = []

    def catch(_: Any, inputs: Any, result: Any) -> None:
        # With gradient checkpointing, the layer is computed again in the backward pass.
        if not found:
            found.append(result[0] if isinstance(result, tuple) else result)
        if stops:
            raise _Reached

    layers = aligned_layers(model)
    hook = layers[max(1, round(len(layers) / _DEPTH)) - 1].register_forward_hook(catch)
    try:
        yield found
    finally:
        hook.remove()


def aligned_layers(model: Any) -> Any:
    """The decoder layers of a model.

    Raises:
        TrainingError: they are not in one list.
    """
    try:
        return layers_of(model)
    except InitializerError:
        raise TrainingError(
            f"the layers of a {type(model).__name__} are not in one list, so its states cannot be compared: "
            "omit --align-weight"
        ) from None


@contextmanager
def _without_adapters(model: Any) -> Iterator[None]:
    """While entered, adapters add nothing, and dropout drops nothing."""
    training = model.training
    adapted = [module for module in model.modules() if hasattr(module, "_disable_adapters")]
    model.eval()
    for module in adapted:
        # peft's own way also takes their gradients away, which a group of processes would notice.
        module._disable_adapters = True
    try:
        yield
    finally:
        for module in adapted:
            module._disable_adapters = False
        model.train(training)
