"""The loss of a packed batch under a model, as the module that the training loop calls and DDP or FSDP wraps.

It is computed in one of two ways: from the model's decoder with `split_loss`, which never holds the logits of
a batch, or from the logits of the model itself, for models that transform them. Which one fits a model is
determined by experiment.
"""

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vocabx._util.model_attention import torch_attention_in
from vocabx.training.alignment import Alignment, Batch, caught
from vocabx.training.packed import IGNORED
from vocabx.training.split_loss import split_loss
from vocabx.training.split_table import SplitOutput


@dataclass(frozen=True)
class Abilities:
    """Properties of a model, found by experiment.

    Attributes:
        isolates: whether restarting positions isolates the documents of a sequence from each other.
        plain: whether its logits are simply its lm_head applied to the decoder's output.
    """

    isolates: bool
    plain: bool


class ModelLoss(nn.Module):
    """Mean -log p of the labels of a batch in nats.

    Attributes:
        model: the causal model.
        abilities: see `Abilities`.
        alignment: a loss of hidden states beside that of the language model, or None.
    """

    # Makes transformers' Trainer pass the number of labels in all batches of a step, over all processes.
    accepts_loss_kwargs = True

    def __init__(self, model: Any, abilities: Abilities, alignment: Alignment | None = None) -> None:
        super().__init__()
        self.model = model
        self.abilities = abilities
        self.alignment = alignment

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        labels: Tensor,
        num_items_in_batch: Tensor | int | None = None,
    ) -> dict[str, Tensor]:
        """The loss, as {"loss": a float32 scalar}.

        Its value is that of the language model alone, so that it can be read in bits per byte; its gradient
        is that of the weighted sum with the loss of `alignment`.

        Args:
            input_ids: (B, L).
            position_ids: (B, L), the position of each token in its document.
            labels: (B, L), the id to predict at each position, -100 for none.
            num_items_in_batch: divisor of the sum; by default the number of labels.
        """
        count = (
            num_items_in_batch if num_items_in_batch is not None else (labels != IGNORED).sum().clamp(min=1)
        )
        alignment = self.alignment
        if alignment is None or not alignment.weight or not torch.is_grad_enabled():
            return {"loss": self._language_loss(input_ids, position_ids, labels) / count}
        batch = Batch(input_ids, position_ids, (labels != IGNORED) & (position_ids > 0))
        with caught(base_of(self.model)) as states:
            loss = self._language_loss(input_ids, position_ids, labels) / count
        aligned = alignment.loss(states[0], self.model, batch, self.abilities.isolates)
        beside = alignment.weight * aligned / count
        return {"loss": loss + (beside - beside.detach())}

    def _language_loss(self, input_ids: Tensor, position_ids: Tensor, labels: Tensor) -> Tensor:
        """The sum of -log p of the labels; arguments as in `forward`."""
        inputs = {"input_ids": input_ids, "use_cache": False}
        if self.abilities.isolates:
            inputs["position_ids"] = position_ids
        model = base_of(self.model)
        output = model.get_output_embeddings()
        if self.abilities.plain and isinstance(output, SplitOutput):
            hidden = output.inputs(model.get_decoder()(**inputs).last_hidden_state)
            total = split_loss(
                hidden.reshape(-1, hidden.shape[-1]), labels.reshape(-1), output.old, output.new
            )
        else:
            logits = model(**inputs).logits
            total = functional.cross_entropy(
                logits.reshape(-1, logits.shape[-1]).float(),
                labels.reshape(-1),
                ignore_index=IGNORED,
                reduction="sum",
            )
        return total


def base_of(model: Any) -> Any:
    """The transformers model inside a PeftModel, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def find_abilities(model: Any) -> Abilities:
    """Find out by experiment how a model treats restarting positions and the output of its decoder."""
    base = base_of(model)
    training = base.training
    base.eval()
    with torch.no_grad():
        found = Abilities(_isolates(base), _is_plain(base))
    base.train(training)
    return found


def _isolates(model: Any) -> bool:
    """Whether the logits of a document are bit for bit the same with another document before it."""
    if "position_ids" not in inspect.signature(model.forward).parameters:
        return False
    half = 8
    positions = torch.arange(half, device=model.device).repeat(1, 2)
    logits = []
    for before in (1, 1 + half):
        ids = torch.cat([torch.arange(before, before + half), torch.arange(half)])[None].to(model.device)
        # Blocks of attention that differ in size round differently.
        with torch_attention_in(model):
            logits.append(model(input_ids=ids, position_ids=positions, use_cache=False).logits[0, half:])
    return torch.equal(*logits)


def _is_plain(model: Any) -> bool:
    output = model.get_output_embeddings()
    # Without split embeddings, the loss uses the model's own logits anyway.
    if (
        not isinstance(output, SplitOutput)
        or output.old_bias is not None
        or not hasattr(model, "get_decoder")
    ):
        return False
    ids = torch.arange(8, device=model.device)[None]
    hidden = getattr(model.get_decoder()(input_ids=ids, use_cache=False), "last_hidden_state", None)
    if hidden is None or output.inputs(hidden).shape[-1] != output.new.shape[-1]:
        return False
    return torch.equal(output(hidden), model(input_ids=ids, use_cache=False).logits)
