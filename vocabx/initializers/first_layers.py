"""Hidden states after some layers of a decoder, with given rows as the embeddings of new tokens.

A forward pass ends at the layer that is asked for: nothing after it is computed, forwards or backwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vocabx.errors import InitializerError


@dataclass(frozen=True)
class GivenRows:
    """Embeddings of the new ids of one sequence.

    Attributes:
        first: V, the first new id.
        rows: (number of new ids in the sequence, D), in order.
    """

    first: int
    rows: Tensor


class _Reached(Exception):
    """Ends a forward pass; caught where it began."""


def layers_of(model: Any) -> nn.ModuleList:
    """The decoder layers of a transformers model, in order.

    Raises:
        InitializerError: there is no list of as many modules as the configuration has layers.
    """
    config = getattr(model.config, "text_config", None) or model.config
    count = config.num_hidden_layers
    for module in model.get_decoder().modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return module
    raise InitializerError(
        f"the layers of a {type(model).__name__} are not in one list, so distill cannot stop at one: pass "
        "another --init"
    )


def states_at(model: Any, ids_T: Tensor, layer: int, given: GivenRows | None = None) -> Tensor:
    """Hidden states of one sequence after `layer` layers, (T, D), in the dtype of the model.

    Args:
        model: a transformers model that predicts the next token.
        ids_T: ids; new ones are V + i.
        layer: number of layers, from 1.
        given: the rows of new ids.
    """
    found: list[Tensor] = []

    def stop(_: Any, inputs: Any, result: Any) -> None:
        found.append(result[0] if isinstance(result, tuple) else result)
        raise _Reached

    hook = layers_of(model)[layer - 1].register_forward_hook(stop)
    try:
        with _embedding(model, ids_T, given) as known:
            model.get_decoder()(input_ids=known[None], use_cache=False)
    except _Reached:
        pass
    finally:
        hook.remove()
    return found[0][0]


def last_states(model: Any, ids_T: Tensor, given: GivenRows | None = None) -> Tensor:
    """What the lm_head is multiplied with for one sequence, (T, D); arguments as in `states_at`."""
    found: list[Tensor] = []

    def catch(_: Any, inputs: tuple[Any, ...]) -> None:
        found.append(inputs[0])
        raise _Reached

    hook = model.get_output_embeddings().register_forward_pre_hook(catch)
    try:
        with _embedding(model, ids_T, given) as known:
            model(input_ids=known[None], use_cache=False)
    except _Reached:
        pass
    finally:
        hook.remove()
    return found[0][0]


@contextmanager
def _embedding(model: Any, ids_T: Tensor, given: GivenRows | None) -> Iterator[Tensor]:
    """While entered, the embedding module returns the given rows; yields ids with 0 for each new one."""
    if given is None:
        yield ids_T
        return
    embedding, new_T = model.get_input_embeddings(), ids_T >= given.first
    places = new_T.nonzero()[:, 0]
    # Ahead of the module's own factor, which the few models that scale have.
    rows = given.rows * getattr(embedding, "embed_scale", 1.0)

    def replace(_: Any, ids: Any, result: Tensor) -> Tensor:
        return torch.index_put(result, (torch.zeros_like(places), places), rows.to(result.dtype))

    hook = embedding.register_forward_hook(replace)
    try:
        yield torch.where(new_T, 0, ids_T)
    finally:
        hook.remove()


def mean_square(states: Tensor, targets: Tensor) -> Tensor:
    """Mean squared difference over that of the targets from zero, a float32 scalar."""
    targets = targets.float()
    return functional.mse_loss(states.float(), targets) / targets.pow(2).mean()
