"""AdamW whose new rows wait until their token has occurred.

Each step of the softmax pushes every row of the lm_head a little, whether its token occurs or not. AdamW
divides a gradient by its own recent size, so that these pushes move a row that has not occurred yet as far as
a row that learns. Here the gradient of such a row is zero, and so are its moments and its change. From the
first step in which its token occurs, as input or as the token to predict, it moves in each step as AdamW
moves it: then the pushes are small beside what the moments hold, and the lm_head learns from them where a
token does not belong. Inferred, no source.

Legend of names: N new tokens, D width.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

_SEEN = "seen"


class Seen:
    """Which new tokens have occurred in the sequences so far, over all processes."""

    def __init__(self, first_id: int, count: int, always: Sequence[int] = ()) -> None:
        """See the class.

        Args:
            first_id: id of the first new token.
            count: N.
            always: ids that count as seen from the beginning.
        """
        self._first, self._seen = first_id, torch.zeros(count, dtype=torch.uint8)
        self._seen[[index - first_id for index in always]] = 1

    def see(self, batch: Mapping[str, Tensor]) -> None:
        """Note the new tokens among the `input_ids` and `labels` of a batch."""
        for name in ("input_ids", "labels"):
            ids = batch[name]
            self._seen = self._seen.to(ids.device)
            self._seen[ids[ids >= self._first] - self._first] = 1

    def together(self) -> Tensor:
        """Whether each token has occurred in any process, (N,) uint8; to be called by all of them."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(self._seen, torch.distributed.ReduceOp.MAX)
        return self._seen

    @property
    def so_far(self) -> Tensor:
        """What `together` was in the last step, (N,) uint8: one process alone may save it."""
        return self._seen

    def restore(self, seen: Tensor) -> None:
        """Go on from what `so_far` was."""
        self._seen = seen.to(self._seen.device, torch.uint8).clone()


class RowsAdamW(torch.optim.AdamW):
    """AdamW (fused), in which rows stay as they are until their token has occurred.

    Its state holds which tokens have, beside the moments.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        rows: Sequence[Tensor] = (),
        seen: Seen | None = None,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        """See the class.

        Args:
            groups: of parameters; the rows are among them and have no weight decay.
            rows: parameters whose first axis is new tokens, (N, D) or (N,).
            seen: which of them have occurred; None to move all of them from the first step on.
            betas: of AdamW.
        """
        super().__init__(groups, betas=betas, fused=True)
        self._rows, self._seen = tuple(rows), seen

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of all groups; the gradients of rows that wait become zero."""
        if self._seen is not None:
            waiting = self._seen.together() == 0
            for rows in self._rows:
                if rows.grad is not None:
                    # Zeros leave the moments at zero, and AdamW moves such a row by zero.
                    rows.grad[waiting] = 0
        return super().step(closure)

    def state_dict(self) -> dict[str, Any]:
        """The state of AdamW, and which tokens have occurred."""
        seen = {} if self._seen is None else {_SEEN: self._seen.so_far.clone()}
        return {**super().state_dict(), **seen}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` gave."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != _SEEN})
        if self._seen is not None and _SEEN in state_dict:
            self._seen.restore(state_dict[_SEEN])
