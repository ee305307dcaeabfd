"""The cross-entropy of a split lm_head, a block of positions at a time: the logits of a batch never exist at
once.

The gradients of hidden states and new rows are computed in the forward pass, when the logits of a block are
available, so nothing is recomputed. Old rows get no gradient: a third of the work of the lm_head is saved.

Legend of names: T positions, D width, V rows of the whole matrix, O old rows, N new rows, C positions of a
block, P few of these.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vocabx._util.memory import rows_in_cache
from vocabx.training.packed import IGNORED

# Positions per block: enough to keep a processor busy, few enough for a vocabulary of 256,000.
BLOCK = 1024


def split_loss(
    hidden_TD: Tensor,
    labels_T: Tensor,
    old_OD: Tensor,
    new_ND: Tensor,
    old_bias_O: Tensor | None = None,
    new_bias_N: Tensor | None = None,
) -> Tensor:
    """Sum over positions of -log p(label) in nats, a float32 scalar.

    Products are computed in the dtype of `hidden_TD`, the softmax in float32.

    Args:
        hidden_TD: input of the lm_head.
        labels_T: int64, the id to predict at each position, `IGNORED` for none.
        old_OD: the frozen rows.
        new_ND: the trained rows; their gradient has their dtype.
        old_bias_O, new_bias_N: the bias of either, or None.
    """
    # torch does not type `apply`.
    apply: Callable[..., Tensor] = _SplitLoss.apply
    return apply(hidden_TD, labels_T, old_OD, new_ND, old_bias_O, new_bias_N)


class _SplitLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        hidden_TD: Tensor,
        labels_T: Tensor,
        old_OD: Tensor,
        new_ND: Tensor,
        old_bias_O: Tensor | None,
        new_bias_N: Tensor | None,
    ) -> Tensor:
        dtype = hidden_TD.dtype
        # Under autocast, the products below would be cast again for every block.
        with torch.autocast(hidden_TD.device.type, enabled=False):
            old, new = old_OD.to(dtype), new_ND.to(dtype)
            bias = None if old_bias_O is None or new_bias_N is None else (old_bias_O, new_bias_N)
            wanted = any(context.needs_input_grad)
            of_hidden = torch.zeros_like(hidden_TD) if wanted else None
            of_new = torch.zeros_like(new_ND) if wanted else None
            of_bias = torch.zeros_like(new_bias_N) if wanted and new_bias_N is not None else None
            total = hidden_TD.new_zeros((), dtype=torch.float32)
            # Positions without a label are skipped.
            labeled = (labels_T != IGNORED).nonzero()[:, 0]
            for chosen_C in torch.split(labeled, BLOCK):
                block_CD = hidden_TD[chosen_C]
                logits = (block_CD @ old.T, block_CD @ new.T)
                total += _to_slopes(logits, labels_T[chosen_C], bias, of_bias)
                if of_hidden is None or of_new is None:
                    continue
                slope_CO, slope_CN = logits
                of_hidden[chosen_C] = slope_CO @ old + slope_CN @ new
                of_new += slope_CN.T @ block_CD
        context.save_for_backward(of_hidden, of_new, of_bias)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None, Tensor, None, Tensor | None]:
        of_hidden, of_new, of_bias = context.saved_tensors
        return (
            of_hidden * gradient.to(of_hidden.dtype),
            None,
            None,
            of_new * gradient.to(of_new.dtype),
            None,
            None if of_bias is None else of_bias * gradient,
        )


def _to_slopes(
    logits: tuple[Tensor, Tensor],
    labels_C: Tensor,
    bias: tuple[Tensor, Tensor] | None,
    of_bias_N: Tensor | None,
) -> Tensor:
    """The summed loss of a block, a float32 scalar.

    Its logits are overwritten with the gradient of the loss; that of the new bias is added to `of_bias_N`.

    Args:
        logits: of old and new rows, (C, O) and (C, N).
        labels_C: the ids to predict.
        bias: of old and new rows, or None.
        of_bias_N: the gradient of the new bias, or None.
    """
    old_CO, new_CN = logits
    first, rows = old_CO.shape[1], old_CO.shape[1] + new_CN.shape[1]
    total = old_CO.new_zeros((), dtype=torch.float32)
    # A CPU computes the softmax of a few positions in its cache; a GPU that of all positions at once.
    few = rows_in_cache(rows) if old_CO.device.type == "cpu" else max(1, len(labels_C))
    wide = torch.empty(min(few, len(labels_C)), rows, dtype=torch.float32, device=old_CO.device)
    for old_PO, new_PN, labels_P in zip(
        torch.split(old_CO, few), torch.split(new_CN, few), torch.split(labels_C, few), strict=True
    ):
        wide_PV = wide[: len(labels_P)]
        wide_PV[:, :first] = old_PO
        wide_PV[:, first:] = new_PN
        if bias is not None:
            wide_PV[:, :first] += bias[0]
            wide_PV[:, first:] += bias[1]
        wide_PV -= wide_PV.amax(dim=1, keepdim=True)
        chosen_P = wide_PV.gather(1, labels_P[:, None])[:, 0]
        sums_P = wide_PV.exp_().sum(dim=1)
        total += (sums_P.log() - chosen_P).sum()
        wide_PV /= sums_P[:, None]
        wide_PV.scatter_add_(1, labels_P[:, None], wide_PV.new_full((len(labels_P), 1), -1.0))
        if of_bias_N is not None:
            of_bias_N += wide_PV[:, first:].sum(dim=0)
        old_PO.copy_(wide_PV[:, :first])
        new_PN.copy_(wide_PV[:, first:])
    return total
