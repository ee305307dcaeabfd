"""The cross-entropy of a split lm_head, a block of positions at a time: the logits of a batch never exist at
once.

The gradients of hidden states and new rows are computed in the forward pass, when the logits of a block are
available, so nothing is recomputed. Old rows get no gradient: a third of the work of the lm_head is saved.

Legend of names: T positions, D width, V rows of the whole matrix, O old rows, N new rows, C positions of a
block.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

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
        dtype, first = hidden_TD.dtype, old_OD.shape[0]
        # Under autocast, the products below would be cast again for every block.
        with torch.autocast(hidden_TD.device.type, enabled=False):
            old, new = old_OD.to(dtype), new_ND.to(dtype)
            wanted = any(context.needs_input_grad)
            of_hidden = torch.zeros_like(hidden_TD) if wanted else None
            of_new = torch.zeros_like(new_ND) if wanted else None
            of_bias = torch.zeros_like(new_bias_N) if wanted and new_bias_N is not None else None
            total = hidden_TD.new_zeros((), dtype=torch.float32)
            # Positions without a label are skipped.
            labeled = (labels_T != IGNORED).nonzero()[:, 0]
            for chosen_C in torch.split(labeled, BLOCK):
                block_CD, labels_C = hidden_TD[chosen_C], labels_T[chosen_C]
                logits_CV = torch.empty(
                    len(chosen_C), first + len(new), dtype=torch.float32, device=hidden_TD.device
                )
                logits_CV[:, :first] = block_CD @ old.T
                logits_CV[:, first:] = block_CD @ new.T
                if old_bias_O is not None and new_bias_N is not None:
                    logits_CV[:, :first] += old_bias_O
                    logits_CV[:, first:] += new_bias_N
                normal_C = logits_CV.logsumexp(dim=1)
                total += (normal_C - logits_CV.gather(1, labels_C[:, None])[:, 0]).sum()
                if of_hidden is None or of_new is None:
                    continue
                # From here on, the block holds the gradient of the loss with respect to its logits.
                logits_CV.sub_(normal_C[:, None]).exp_()
                logits_CV[torch.arange(len(labels_C), device=labels_C.device), labels_C] -= 1
                if of_bias is not None:
                    of_bias += logits_CV[:, first:].sum(dim=0)
                slope_CO, slope_CN = logits_CV[:, :first].to(dtype), logits_CV[:, first:].to(dtype)
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
