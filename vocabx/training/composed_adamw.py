"""AdamW of a run whose new rows are composed: a free part, and maps of their pieces, which all tokens share.

The rows stay plain parameters: their gradient is handed on to the maps (`PieceMaps`), and the change of what
the maps make is added to them. So a checkpoint, a score and a process of a group see plain rows, and only the
optimizer knows of the maps.

Legend of names: N new tokens, D width.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vocabx.initializers.composition import PieceMaps
from vocabx.training.rows_adamw import RowsAdamW, Seen

_MAPS = "maps"


@dataclass(frozen=True)
class Composed:
    """New rows, (N, D) float32, and the maps that make a part of them."""

    rows: Tensor
    maps: PieceMaps


class ComposedAdamW(RowsAdamW):
    """RowsAdamW with composed rows.

    Its state holds the maps themselves, beside their moments: they are no part of the model.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        composed: Sequence[Composed],
        rows: Sequence[Tensor] = (),
        seen: Seen | None = None,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        """See the class.

        Args:
            groups: of rows, of other parameters, and of maps.
            composed: the rows that are composed.
            rows, seen, betas: of RowsAdamW. What the maps make moves in each step.
        """
        super().__init__(groups, rows=rows, seen=seen, betas=betas)
        # A scaler of float16 must find out itself whether a step is skipped, as it does not know of the rows.
        self._step_supports_amp_scaling = False
        self._composed = tuple(composed)
        self._made: list[Tensor] = []

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of all groups."""
        before = self._hand_on()
        result = super().step(closure)
        self._made = self._make()
        for composed, old, new in zip(self._composed, before, self._made, strict=True):
            composed.rows.add_(new.detach() - old)
        return result

    def _hand_on(self) -> list[Tensor]:
        """Give the maps their gradients; returns what they have made so far, (N, D) each."""
        # What the maps make is computed once a step, after it: its graph serves the next one.
        made = self._made or self._make()
        self._made = []
        for composed, rows in zip(self._composed, made, strict=True):
            for one in composed.maps.parameters():
                one.grad = None
            torch.autograd.backward(rows, composed.rows.grad)
        return [rows.detach() for rows in made]

    def _make(self) -> list[Tensor]:
        with torch.enable_grad():
            return [composed.maps() for composed in self._composed]

    def state_dict(self) -> dict[str, Any]:
        """The state of AdamW, and the maps."""
        maps = [[one.detach() for one in composed.maps.parameters()] for composed in self._composed]
        return {**super().state_dict(), _MAPS: maps}

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` gave."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != _MAPS})
        for composed, saved in zip(self._composed, state_dict[_MAPS], strict=True):
            for one, value in zip(composed.maps.parameters(), saved, strict=True):
                one.copy_(value)
        self._made = []
