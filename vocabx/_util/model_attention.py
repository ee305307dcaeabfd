"""Which attention a transformers model computes with: torch's kernel, or `causal_attention` on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from torch import Tensor

from vocabx._util.causal_attention import Block, Blocks, blocks_of, causal_attention, document_starts

NAME = "vocabx_causal"
_TORCH = "sdpa"
# Where the blocks of a mask are kept: all layers get the same one.
_FOUND = "_vocabx_blocks"
# What attention may have beside a mask; torch's kernel, or an error of transformers, is left to it.
_UNKNOWN = ("position_bias", "softcap", "cache", "s_aux")


def use_causal_attention(model: Any) -> None:
    """Let a transformers model on a CPU attend by `causal_attention` where it would by torch's kernel.

    What is neither causal attention of a whole sequence nor of documents in it stays with torch.
    """
    # Classes whose attention is code of their own would only warn.
    if (
        model.config._attn_implementation == _TORCH
        and model.device.type == "cpu"
        and model._can_set_attn_implementation()
    ):
        _register()
        model.set_attn_implementation(NAME)


@contextmanager
def causal_attention_in(model: Any) -> Iterator[None]:
    """While entered, `use_causal_attention`."""
    with _restored(model):
        use_causal_attention(model)
        yield


@contextmanager
def torch_attention_in(model: Any) -> Iterator[None]:
    """While entered, a model attends by torch's kernel where it would by `causal_attention`."""
    with _restored(model):
        if model.config._attn_implementation == NAME:
            model.set_attn_implementation(_TORCH)
        yield


@contextmanager
def _restored(model: Any) -> Iterator[None]:
    before = model.config._attn_implementation
    try:
        yield
    finally:
        if model.config._attn_implementation != before:
            model.set_attn_implementation(before)


def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **settings: Any
) -> tuple[Tensor, None]:
    """An attention function as transformers calls them."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    blocks = _blocks(module, query, key, attention_mask, settings)
    if blocks is None:
        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **settings
        )
        return result
    scale = settings.get("scaling")
    return causal_attention(
        query, key, value, query.shape[3] ** -0.5 if scale is None else scale, blocks
    ), None


# Without a mask nothing tells the layers of a pass that they share their blocks.
@lru_cache(maxsize=8)
def _of_one_document(length: int) -> tuple[Block, ...]:
    return blocks_of([0] * length)


def _blocks(
    module: Any, query: Tensor, key: Tensor, mask: Tensor | None, settings: dict[str, Any]
) -> Blocks | None:
    """The blocks of each sequence; None if it is not causal attention of documents without anything else."""
    length = query.shape[2]
    if length == 1 or key.shape[2] != length or query.device.type != "cpu":
        return None
    if settings.get("dropout") or any(settings.get(name) is not None for name in _UNKNOWN):
        return None
    if mask is None:
        causal = settings.get("is_causal")
        causal = getattr(module, "is_causal", True) if causal is None else causal
        return (_of_one_document(length),) * len(query) if causal else None
    if not hasattr(mask, _FOUND):
        starts = document_starts(mask)
        setattr(mask, _FOUND, None if starts is None else tuple(blocks_of(one) for one in starts))
    found: Blocks | None = getattr(mask, _FOUND)
    if found is not None and len(found) != len(query):
        # One mask for all sequences.
        return found * len(query) if len(found) == 1 else None
    return found
