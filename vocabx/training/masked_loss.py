"""The loss of a batch whose hidden tokens a model fills in, as the module that the training loop calls.

As `model_loss`, for encoders and encoder-decoders: the loss is computed from the input of the lm_head with
`split_loss`, whatever transform comes before it and bias after, or from the model's own logits where these
are more than that. Only positions with a label count.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vocabx.evaluation.lm_head import head_inputs, is_plain
from vocabx.training.model_loss import Abilities, base_of
from vocabx.training.packed import IGNORED
from vocabx.training.split_loss import split_loss
from vocabx.training.split_table import SplitOutput


class MaskedLoss(nn.Module):
    """Mean -log p of the labels of a batch in nats.

    Attributes:
        model: an encoder with its lm_head, or an encoder-decoder.
        abilities: see `model_loss.Abilities`; the documents of a sequence are always seen together.
        alignment: None; there is no loss of hidden states beside it.
    """

    # Makes transformers' Trainer pass the number of labels in all batches of a step, over all processes.
    accepts_loss_kwargs = True

    def __init__(self, model: Any, abilities: Abilities) -> None:
        super().__init__()
        self.model = model
        self.abilities = abilities
        self.alignment = None

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        num_items_in_batch: Tensor | int | None = None,
    ) -> dict[str, Tensor]:
        """The loss, as {"loss": a float32 scalar}.

        Args:
            input_ids: (B, L), of an encoder.
            attention_mask: (B, L), 0 for padding.
            labels: the id to predict at each position, -100 for none: (B, L), or (B, M) of a decoder.
            num_items_in_batch: divisor of the sum; by default the number of labels.
        """
        count = (
            num_items_in_batch if num_items_in_batch is not None else (labels != IGNORED).sum().clamp(min=1)
        )
        model = base_of(self.model)
        inputs = model_inputs(model, {"input_ids": input_ids, "attention_mask": attention_mask}, labels)
        output = model.get_output_embeddings()
        if self.abilities.plain and isinstance(output, SplitOutput):
            hidden = output.inputs(head_inputs(model, inputs))
            total = split_loss(
                hidden.reshape(-1, hidden.shape[-1]),
                labels.reshape(-1),
                output.old,
                output.new,
                output.old_bias,
                output.new_bias,
            )
        else:
            logits = model(**inputs).logits
            total = functional.cross_entropy(
                logits.reshape(-1, logits.shape[-1]).float(),
                labels.reshape(-1),
                ignore_index=IGNORED,
                reduction="sum",
            )
        return {"loss": total / count}


def model_inputs(model: Any, encoder: Mapping[str, Tensor], labels: Tensor) -> dict[str, Any]:
    """The arguments of a model's forward, with those of its decoder, which predicts the labels, if any."""
    if not model.config.is_encoder_decoder:
        return dict(encoder)
    return {
        **encoder,
        "decoder_input_ids": model.prepare_decoder_input_ids_from_labels(labels=labels),
        "use_cache": False,
    }


def find_abilities(model: Any) -> Abilities:
    """Find out by experiment whether a model's logits are its lm_head applied to that module's input."""
    base = base_of(model)
    training = base.training
    base.eval()
    ids = torch.arange(8, device=base.device)[None]
    # Without split embeddings, the loss uses the model's own logits anyway.
    split = isinstance(base.get_output_embeddings(), SplitOutput)
    found = Abilities(False, split and is_plain(base, model_inputs(base, {"input_ids": ids}, ids)))
    base.train(training)
    return found
