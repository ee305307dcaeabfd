"""AdamW that moves only those new rows whose tokens occur in a step.

Each step of the softmax pushes every row of the lm_head a little, whether its token occurs or not. AdamW
divides a gradient by its own recent size, so that these pushes move a row that has not occurred yet as far as
a row that learns. Here a row without an occurrence in the step, as input or as the token to predict, keeps
its value and its moments, and each row counts its own steps for the correction of the moments' bias. The
moments of sparse gradients are kept so, too, in torch's SparseAdam; there the number of steps is shared.

Legend of names: N new tokens, D width.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Occurring:
    """Which new tokens occur in the sequences of a step, over all processes."""

    def __init__(self, first_id: int, count: int, always: Sequence[int] = ()) -> None:
        """See the class.

        Args:
            first_id: id of the first new token.
            count: N.
            always: ids that count as occurring in each step.
        """
        self._first, self._seen = first_id, torch.zeros(count, dtype=torch.uint8)
        self._always = torch.tensor([index - first_id for index in always], dtype=torch.int64)

    def see(self, batch: Mapping[str, Tensor]) -> None:
        """Note the new tokens among the `input_ids` and `labels` of a batch."""
        for name in ("input_ids", "labels"):
            ids = batch[name]
            self._seen = self._seen.to(ids.device)
            self._seen[ids[ids >= self._first] - self._first] = 1

    def take(self) -> Tensor:
        """The numbers of the tokens seen since the last call, ascending, int64."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(self._seen, torch.distributed.ReduceOp.MAX)
        self._seen[self._always.to(self._seen.device)] = 1
        found = self._seen.nonzero()[:, 0]
        self._seen.zero_()
        return found


class RowsAdamW(torch.optim.AdamW):
    """AdamW (fused), in which rows of tokens that do not occur in a step stay as they are.

    The state of such rows is `exp_avg` and `exp_avg_sq`, of their shape, and `step`, (N,) float32: how often
    each has moved.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        rows: Sequence[Tensor] = (),
        occurring: Occurring | None = None,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        """See the class.

        Args:
            groups: of parameters; the rows are among them and have no weight decay.
            rows: parameters whose first axis is new tokens, (N, D) or (N,).
            occurring: which of them occur; None to move all of them at each step, as AdamW does.
            betas: of AdamW.
        """
        super().__init__(groups, betas=betas, fused=True)
        self._rows, self._occurring = tuple(rows) if occurring is not None else (), occurring
        if self._rows:
            # A scaler of float16 must find out itself whether a step is skipped.
            self._step_supports_amp_scaling = False

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of all groups."""
        if self._occurring is None:
            return super().step(closure)
        given = [rows.grad for rows in self._rows]
        for rows in self._rows:
            # Left out of AdamW's own step.
            rows.grad = None
        result = super().step(closure)
        index = self._occurring.take()
        for rows, gradient in zip(self._rows, given, strict=True):
            rows.grad = gradient
            if gradient is not None and len(index):
                self._move(rows, gradient[index], index)
        return result

    def _move(self, rows: Tensor, gradient: Tensor, index: Tensor) -> None:
        """A step of Adam of the rows in `index`, (M,), with their gradient, (M, D) or (M,)."""
        group = next(one for one in self.param_groups if any(rows is given for given in one["params"]))
        (beta, beta_square), state = group["betas"], self.state[rows]
        if not state:
            state["step"] = torch.zeros(len(rows), dtype=torch.float32, device=rows.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(rows), torch.zeros_like(rows)
        steps = state["step"][index] + 1
        mean = torch.lerp(state["exp_avg"][index], gradient, 1 - beta)
        square = torch.lerp(state["exp_avg_sq"][index], gradient.square(), 1 - beta_square)
        state["step"][index], state["exp_avg"][index], state["exp_avg_sq"][index] = steps, mean, square
        shape = (-1, *[1] * (rows.dim() - 1))
        size = (square / (1 - beta_square**steps).view(shape)).sqrt_().add_(group["eps"])
        rows[index] -= group["lr"] * (mean / (1 - beta**steps).view(shape)) / size
