"""AdamW of a run whose new rows are not simply parameters of their own.

`rowwise`: one second moment for each row. `composed`: rows change as a sum of a free part and of maps of
their pieces, which all new tokens share (`PieceMaps`). The rows stay plain parameters: their gradient is
handed on to the maps, and the change of what the maps make is added to them. So a checkpoint, a score and a
process of a group see plain rows, and only the optimizer knows of the maps.

Legend of names: N new tokens, D width.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vocabx.initializers.composition import PieceMaps

_MAPS = "maps"


@dataclass(frozen=True)
class Composed:
    """New rows, (N, D) float32, and the maps that make a part of them."""

    rows: Tensor
    maps: PieceMaps


class RowsAdamW(torch.optim.AdamW):
    """AdamW (fused) with updates of their own for new rows.

    Its state holds the maps themselves, beside their moments: they are no part of the model.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        rowwise: Sequence[Tensor] = (),
        composed: Sequence[Composed] = (),
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        """See the class.

        Args:
            groups: of rows, of other parameters, and of maps.
            rowwise: the rows with one second moment each, (N, D).
            composed: the rows that are composed.
            betas: of AdamW.
        """
        super().__init__(groups, betas=betas, fused=True)
        # A scaler of float16 must find out itself whether a step is skipped, as it does not know of the rows.
        self._step_supports_amp_scaling = False
        self._rowwise = {id(one) for one in rowwise}
        self._composed = tuple(composed)
        self._made: list[Tensor] = []

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of all groups."""
        before = self._hand_on()
        kept = []
        for group in self.param_groups:
            for one in group["params"]:
                if id(one) in self._rowwise and one.grad is not None:
                    kept.append((group, one, one.grad))
                    one.grad = None
        result = super().step(closure)
        for group, one, gradient in kept:
            one.grad = gradient
            self._step_rowwise(group, one, gradient)
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

    def _step_rowwise(self, group: dict[str, Any], rows_ND: Tensor, gradient_ND: Tensor) -> None:
        """Adam with the mean of a row's squared gradients in place of the square of each number."""
        state = self.state[rows_ND]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"] = torch.zeros_like(rows_ND)
            state["exp_avg_sq"] = rows_ND.new_zeros(len(rows_ND), 1)
        state["step"] += 1
        steps, (beta1, beta2) = float(state["step"]), group["betas"]
        mean_ND, square_N1 = state["exp_avg"], state["exp_avg_sq"]
        mean_ND.lerp_(gradient_ND, 1 - beta1)
        square_N1.lerp_(gradient_ND.pow(2).mean(dim=1, keepdim=True), 1 - beta2)
        scale_N1 = (square_N1 / (1 - beta2**steps)).sqrt_().add_(group["eps"])
        rows_ND.addcdiv_(mean_ND, scale_N1, value=-group["lr"] / (1 - beta1**steps))

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
