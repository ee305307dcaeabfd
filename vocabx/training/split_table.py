"""An embedding matrix in two parts: old rows, which are frozen, and new rows, which train.

The old part is a view of the model's own matrix up to the first new row: it is not copied and has no gradient
or optimizer state. The new part is a float32 parameter. A tied model has one new part, shared by input
embeddings and lm_head.

Legend of names: I ids, D width, V rows of the whole matrix, O old rows, N new rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class SplitEmbedding(nn.Module):
    """Input embeddings whose first rows are frozen.

    Attributes:
        old: (O, D), the frozen rows, a view of the model's matrix.
        new: (N, D) float32, the trained rows.
        scale: factor of the embeddings, for the few models whose embedding module scales.
    """

    old: Tensor
    scale: Tensor | None

    def __init__(self, old: Tensor, new: nn.Parameter, scale: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("old", old, persistent=False)
        self.new = new
        self.register_buffer("scale", scale, persistent=False)

    @property
    def weight(self) -> Tensor:
        """The whole matrix, (V, D), as a copy for code that needs its dtype, device or shape."""
        return _joined(self.old, self.new)

    def forward(self, ids_I: Tensor) -> Tensor:
        """Look up ids of any shape; the result has a last axis D, in the dtype of the old rows."""
        rows_ID = look_up(ids_I, self.old, self.new)
        return rows_ID if self.scale is None else rows_ID * self.scale.to(rows_ID.dtype)


class SplitOutput(nn.Module):
    """An lm_head whose first rows are frozen; `old` and `new` as in `SplitEmbedding`.

    Attributes:
        old_bias: (O,), bias of the frozen rows, or None.
        new_bias: (N,) float32, bias of the trained rows, or None.
    """

    old: Tensor
    old_bias: Tensor | None

    def __init__(
        self,
        old: Tensor,
        new: nn.Parameter,
        old_bias: Tensor | None = None,
        new_bias: nn.Parameter | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("old", old, persistent=False)
        self.new = new
        self.register_buffer("old_bias", old_bias, persistent=False)
        self.new_bias = new_bias

    @property
    def weight(self) -> Tensor:
        """The whole matrix, (V, D), as a copy for code that needs its dtype, device or shape."""
        return _joined(self.old, self.new)

    def inputs(self, hidden: Tensor) -> Tensor:
        """What the rows are multiplied with: `hidden` itself."""
        return hidden

    def forward(self, hidden: Tensor) -> Tensor:
        """Logits of all V tokens, in the dtype of `hidden`."""
        # torch does not type `apply`.
        apply: Callable[..., Tensor] = _Logits.apply
        logits = apply(self.inputs(hidden), self.old, self.new.to(hidden.dtype))
        if self.old_bias is None or self.new_bias is None:
            return logits
        return logits + _joined(self.old_bias, self.new_bias).to(logits.dtype)


@dataclass(frozen=True)
class Split:
    """The trained part of a model's embeddings.

    Attributes:
        first: the id of the first new row.
        tied: whether input embeddings and lm_head share their rows.
        parameters: the new parts by kind: "input", "output" if untied, "bias" if there is one.
    """

    first: int
    tied: bool
    parameters: dict[str, nn.Parameter]


def split_tables(model: Any, first: int) -> Split:
    """Replace the embeddings of a model with split ones; old rows are not copied.

    Args:
        model: a transformers model that predicts tokens; modified in place.
        first: the id of the first row that trains; 0 trains all of them, the number of rows trains none.
    """
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    table = embedding.weight.detach()
    tied = output.weight is embedding.weight
    new = _trained(table, first)
    parameters = {"input": new}
    scale = getattr(embedding, "embed_scale", None)
    if scale is not None:
        scale = torch.as_tensor(scale, dtype=table.dtype, device=table.device)
    model.set_input_embeddings(SplitEmbedding(table[:first], new, scale))
    if not tied:
        table = output.weight.detach()
        new = parameters["output"] = _trained(table, first)
    old_bias = new_bias = None
    if output.bias is not None:
        old_bias, new_bias = output.bias.detach()[:first], _trained(output.bias.detach(), first)
        parameters["bias"] = new_bias
    if not len(new):
        for parameter in parameters.values():
            parameter.requires_grad_(False)
        parameters = {}
    put_output(model, SplitOutput(table[:first], new, old_bias, new_bias))
    return Split(first, tied, parameters)


def parts_of(model: Any, split: Split | None) -> dict[str, nn.Parameter]:
    """The trained parts by kind as a model holds them now: FSDP puts others in place of `Split.parameters`.

    Args:
        model: the model, without adapters around it.
        split: of its embeddings; None if they do not train separately.
    """
    if split is None or not split.parameters:
        return {}
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    places = {
        "input": (embedding, "new"),
        "input_primitives": (embedding, "new_primitives"),
        "output": (output, "new"),
        "output_primitives": (output, "new_primitives"),
        "bias": (output, "new_bias"),
    }
    return {kind: getattr(*places[kind]) for kind in split.parameters}


def put_output(model: Any, output: nn.Module) -> None:
    """Put another module in the place of a model's lm_head.

    Encoders keep the bias of theirs under a second name, which `set_output_embeddings` would replace, too.
    """
    old = model.get_output_embeddings()
    name = next(name for name, module in model.named_modules() if module is old)
    where, _, own = name.rpartition(".")
    setattr(model.get_submodule(where), own, output)


def look_up(ids_I: Tensor, old_OD: Tensor, new_ND: Tensor) -> Tensor:
    """Rows of ids over both parts, in the dtype of the old part.

    Every id is looked up in both parts, so shapes do not depend on the ids and a GPU need not synchronize.
    """
    first = old_OD.shape[0]
    if not first:
        return functional.embedding(ids_I, new_ND)
    if not len(new_ND):
        return functional.embedding(ids_I, old_OD)
    from_new = functional.embedding((ids_I - first).clamp(min=0), new_ND)
    from_old = functional.embedding(ids_I.clamp(max=first - 1), old_OD)
    return torch.where((ids_I >= first)[..., None], from_new.to(old_OD.dtype), from_old)


def _joined(old: Tensor, new: Tensor) -> Tensor:
    """Both parts in one tensor, in the dtype of the old part."""
    return torch.cat([old, new.to(old.dtype)])


def _trained(table: Tensor, first: int) -> nn.Parameter:
    return nn.Parameter(table[first:].float().clone())


class _Logits(torch.autograd.Function):
    """Logits of both parts, written into one tensor: a concatenation would hold them twice."""

    @staticmethod
    def forward(context: Any, hidden: Tensor, old_OD: Tensor, new_ND: Tensor) -> Tensor:
        context.save_for_backward(hidden, old_OD, new_ND)
        flat = hidden.reshape(-1, hidden.shape[-1])
        first, rows = old_OD.shape[0], old_OD.shape[0] + new_ND.shape[0]
        logits = flat.new_empty(flat.shape[0], rows)
        logits[:, :first] = flat @ old_OD.to(flat.dtype).T
        logits[:, first:] = flat @ new_ND.T
        return logits.view(*hidden.shape[:-1], rows)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor]:
        hidden, old_OD, new_ND = context.saved_tensors
        first = old_OD.shape[0]
        flat = gradient.reshape(-1, gradient.shape[-1])
        of_hidden = flat[:, :first] @ old_OD.to(flat.dtype) + flat[:, first:] @ new_ND
        of_new = flat[:, first:].T @ hidden.reshape(-1, hidden.shape[-1])
        return of_hidden.view(hidden.shape), None, of_new
