"""Factorized embedding matrices in training: the coordinates F of every token, and the primitives P, train.

E = F P only approximates the base's embeddings, so nothing is worth freezing: old and new coordinates are
parameters in float32, and so are the primitives, which all tokens share. In OFA (arXiv 2311.08849) continued
pretraining updates all of them, too.

Before the first step, the scale of each component is divided between its column of F and its row of P, so
that both have the same root mean square: AdamW moves all numbers by about as much in a step, whatever their
size. The product stays the same but for rounding. (The division is inferred.)

Legend of names: I ids, K rank, D width, V tokens.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vocabx.training.split_table import Split, SplitEmbedding, SplitOutput, put_output

PRIMITIVES = "_primitives"


class FactorEmbedding(SplitEmbedding):
    """Input embeddings F[id] P; `new` holds the coordinates of all tokens, `old` none.

    Attributes:
        new_primitives: (K, D) float32.
    """

    def __init__(
        self, old: Tensor, new: nn.Parameter, new_primitives: nn.Parameter, scale: Tensor | None = None
    ) -> None:
        super().__init__(old, new, scale)
        self.new_primitives = new_primitives

    @property
    def weight(self) -> Tensor:
        """The product, (V, D), for code that needs its dtype, device or shape."""
        return (self.new @ self.new_primitives).to(self.old.dtype)

    def forward(self, ids_I: Tensor) -> Tensor:
        """Look up ids of any shape; the result has a last axis D, in the dtype of `old`."""
        dtype = self.old.dtype
        rows_IK = functional.embedding(ids_I, self.new).to(dtype)
        rows_ID = rows_IK @ self.new_primitives.to(dtype)
        return rows_ID if self.scale is None else rows_ID * self.scale.to(rows_ID.dtype)


class FactorOutput(SplitOutput):
    """An lm_head (h Pᵀ) Fᵀ + b; `new` holds the coordinates of all tokens, `old` none.

    Attributes:
        new_primitives: (K, D) float32.
    """

    def __init__(
        self,
        old: Tensor,
        new: nn.Parameter,
        new_primitives: nn.Parameter,
        old_bias: Tensor | None = None,
        new_bias: nn.Parameter | None = None,
    ) -> None:
        super().__init__(old, new, old_bias, new_bias)
        self.new_primitives = new_primitives

    @property
    def weight(self) -> Tensor:
        """The product, (V, D), for code that needs its dtype, device or shape."""
        return (self.new @ self.new_primitives).to(self.old.dtype)

    def inputs(self, hidden: Tensor) -> Tensor:
        """`hidden` (…, D) in the coordinates of the primitives, (…, K)."""
        return functional.linear(hidden, self.new_primitives.to(hidden.dtype))


def train_factors(model: Any) -> Split:
    """Replace the factorized embeddings of a model with ones whose factors train, in float32.

    Args:
        model: a model with the class of a factorized checkpoint; modified in place.

    Returns:
        The trained parts, with the primitives of "input" as "input_primitives"; the first new row is 0.
    """
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    tied = output.weight is embedding.weight
    coordinates, primitives = _balanced(embedding)
    parameters = {"input": coordinates, f"input{PRIMITIVES}": primitives}
    none = embedding.weight.detach()[:0]
    scale = None
    if embedding.scale != 1.0:
        scale = torch.as_tensor(embedding.scale, dtype=none.dtype, device=none.device)
    model.set_input_embeddings(FactorEmbedding(none, coordinates, primitives, scale))
    if not tied:
        coordinates, primitives = _balanced(output)
        parameters |= {"output": coordinates, f"output{PRIMITIVES}": primitives}
    old_bias = new_bias = None
    if output.bias is not None:
        bias = output.bias.detach()
        old_bias, new_bias = bias[:0], nn.Parameter(bias.float().clone())
        parameters["bias"] = new_bias
    put_output(model, FactorOutput(output.weight.detach()[:0], coordinates, primitives, old_bias, new_bias))
    return Split(0, tied, parameters)


def _balanced(factors: Any) -> tuple[nn.Parameter, nn.Parameter]:
    """F and P of a module in float32, with equal root mean squares of each column of F and row of P."""
    coordinates_VK, primitives_KD = factors.weight.detach().float(), factors.primitives.detach().float()
    of_columns_K = coordinates_VK.square().mean(dim=0).sqrt()
    of_rows_K = primitives_KD.square().mean(dim=1).sqrt()
    scale_K = (of_rows_K / of_columns_K).sqrt()
    # A component that is zero in one factor is left as it is.
    scale_K = torch.where(torch.isfinite(scale_K) & (scale_K > 0), scale_K, torch.ones_like(scale_K))
    return nn.Parameter(coordinates_VK * scale_K), nn.Parameter(primitives_KD / scale_K[:, None])
