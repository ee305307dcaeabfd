"""What enters a model's lm_head, without the logits of every position.

Encoders transform their last states before the lm_head (a layer, an activation, a norm), and encoder-decoders
scale them, each in its own way. All of them call the module of their output embeddings, whose input is taken
there, whatever was done before.
"""

from collections.abc import Mapping
from typing import Any

from vocabx._util.extras import need


def head_inputs(model: Any, inputs: Mapping[str, Any]) -> Any:
    """The input of the lm_head at every position, (B, L, D); the lm_head itself computes nothing.

    Args:
        model: a transformers model with output embeddings.
        inputs: arguments of its forward.
    """
    taken = []

    def take(module: Any, arguments: tuple[Any, ...]) -> tuple[Any]:
        taken.append(arguments[0])
        return (arguments[0].reshape(-1, arguments[0].shape[-1])[:0],)

    handle = model.get_output_embeddings().register_forward_pre_hook(take)
    try:
        model(**inputs)
    finally:
        handle.remove()
    return taken[0]


def is_plain(model: Any, inputs: Mapping[str, Any]) -> bool:
    """Whether a model's logits are simply its lm_head applied to `head_inputs`, found by trying it."""
    torch, output = need("torch", "evaluate"), model.get_output_embeddings()
    if output is None:
        return False
    with torch.no_grad():
        logits = model(**inputs).logits
        try:
            hidden = head_inputs(model, inputs)
        # What a model computes from its logits may not bear that there are none.
        except (IndexError, RuntimeError, ValueError):
            return False
        return bool(torch.equal(output(hidden), logits))
