"""Causal attention of packed documents on a CPU, a block of positions at a time, forwards and backwards.

torch's kernel for CPUs takes up to 512 keys at once, also those that causality hides, and a mask of documents
makes it take all of them. Here a block of queries meets the keys between the beginning of its document and
its own end. The scores of a block alone exist, and are computed again for the gradients.

Legend of names: B sequences, T positions, H heads of queries, K heads of keys, G = H / K, D width of a head
of queries and keys, E that of values; C positions of a block, S keys that it sees.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

NAME = "vocabx_causal"
_TORCH = "sdpa"
# Positions of a block: fewer leave less to causality, more keep a processor busy. Measured.
BLOCK = 64
# Where the blocks of a mask are kept: all layers get the same one.
_FOUND = "_vocabx_blocks"
# What attention may have beside a mask; torch's kernel, or an error of transformers, is left to it.
_UNKNOWN = ("position_bias", "softcap", "cache", "s_aux")


@dataclass(frozen=True)
class Block:
    """Positions that are computed at once.

    Attributes:
        start, end: of the positions.
        first: the first key that one of them sees.
        shared: keys from `first` to here are seen by all of them.
        hidden: (C, end - shared) bool, the other keys that a position does not see.
    """

    start: int
    end: int
    first: int
    shared: int
    hidden: Tensor


# Those of each sequence.
Blocks = tuple[tuple[Block, ...], ...]


def blocks_of(starts: list[int]) -> tuple[Block, ...]:
    """The blocks of a sequence.

    Args:
        starts: for each position the first one of its document.
    """
    # Starts [0, 0, 2] in a block of three: hidden is [[no, yes, yes], [no, no, yes], [yes, yes, no]].
    found = []
    for start in range(0, len(starts), BLOCK):
        end = min(start + BLOCK, len(starts))
        first = starts[start]
        shared = start if starts[end - 1] == first else first
        keys, positions = torch.arange(shared, end), torch.arange(start, end)[:, None]
        hidden = (keys > positions) | (keys < torch.tensor(starts[start:end])[:, None])
        found.append(Block(start, end, first, shared, hidden))
    return tuple(found)


def document_starts(mask: Tensor) -> list[list[int]] | None:
    """For each sequence and position the first one of its document, where a mask is causal within documents.

    Args:
        mask: (B, 1, T, T) bool, whether a position sees another.

    Returns:
        None for any other mask, such as one of a sliding window.
    """
    if mask.dtype != torch.bool or mask.ndim != 4 or mask.shape[1] != 1 or mask.shape[2] != mask.shape[3]:
        return None
    seen_BTT, positions = mask[:, 0], torch.arange(mask.shape[2])
    first_BT = seen_BTT.to(torch.uint8).argmax(dim=2)
    begins = torch.where(first_BT == positions, positions, 0).cummax(dim=1).values
    causal = (positions >= first_BT[..., None]) & (positions <= positions[:, None])
    if not torch.equal(begins, first_BT) or not torch.equal(causal, seen_BTT):
        return None
    found: list[list[int]] = first_BT.tolist()
    return found


def causal_attention(
    query_BHTD: Tensor,
    key_BKTD: Tensor,
    value_BKTE: Tensor,
    scale: float,
    blocks: Blocks,
) -> Tensor:
    """softmax(scale · Q Kᵀ) V within documents, (B, T, H, E).

    Products are computed in the dtype of the arguments, the softmax in float32 at least.

    Args:
        query_BHTD, key_BKTD, value_BKTE: of all heads; a head of keys serves G of queries.
        scale: positive.
        blocks: of each sequence.
    """
    # torch does not type `apply`.
    apply: Callable[..., Tensor] = _CausalAttention.apply
    return apply(query_BHTD, key_BKTD, value_BKTE, scale, blocks)


class _CausalAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        query_BHTD: Tensor,
        key_BKTD: Tensor,
        value_BKTE: Tensor,
        scale: float,
        blocks: Blocks,
    ) -> Tensor:
        count, heads, length, _ = query_BHTD.shape
        result = value_BKTE.new_empty(count, length, heads, value_BKTE.shape[3])
        wide = torch.promote_types(query_BHTD.dtype, torch.float32)
        normal = query_BHTD.new_empty(count, heads, length, dtype=wide)
        with torch.autocast(query_BHTD.device.type, enabled=False):
            for index in range(count):
                key_KTD, value_KTE = key_BKTD[index], value_BKTE[index]
                groups = (len(key_KTD), heads // len(key_KTD))
                query_KGTD = query_BHTD[index].unflatten(0, groups)
                result_KGTE = result[index].transpose(0, 1).unflatten(0, groups)
                normal_KGT = normal[index].unflatten(0, groups)
                for block in blocks[index]:
                    scores = _scores(query_KGTD, key_KTD, block)
                    largest = scores.amax(dim=3, keepdim=True).to(wide) * scale
                    shares = torch.add(-largest, scores, alpha=scale).exp_()
                    total = shares.sum(dim=3, keepdim=True)
                    mixed = shares.to(value_KTE.dtype).flatten(1, 2) @ value_KTE[:, block.first : block.end]
                    result_KGTE[:, :, block.start : block.end] = mixed.unflatten(1, scores.shape[1:3]) / total
                    normal_KGT[:, :, block.start : block.end] = (largest + total.log())[..., 0]
        context.save_for_backward(query_BHTD, key_BKTD, value_BKTE, result, normal)
        context.scale, context.blocks = scale, blocks
        return result

    @staticmethod
    def backward(context: Any, slope_BTHE: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query_BHTD, key_BKTD, value_BKTE, result, normal = context.saved_tensors
        scale, heads = context.scale, query_BHTD.shape[1]
        of_query = torch.empty_like(query_BHTD)
        of_key = torch.zeros_like(key_BKTD, dtype=normal.dtype)
        of_value = torch.zeros_like(value_BKTE, dtype=normal.dtype)
        # Of each score, what the normalization takes away.
        common = (slope_BTHE.to(normal.dtype) * result).sum(dim=3).transpose(1, 2)
        with torch.autocast(query_BHTD.device.type, enabled=False):
            for index in range(len(query_BHTD)):
                key_KTD, value_KTE = key_BKTD[index], value_BKTE[index]
                groups = (len(key_KTD), heads // len(key_KTD))
                query_KGTD = query_BHTD[index].unflatten(0, groups)
                slope_KGTE = slope_BTHE[index].transpose(0, 1).unflatten(0, groups)
                of_query_KGTD = of_query[index].unflatten(0, groups)
                normal_KGT, common_KGT = (one[index].unflatten(0, groups) for one in (normal, common))
                for block in context.blocks[index]:
                    places = slice(block.start, block.end)
                    keys = slice(block.first, block.end)
                    scores = _scores(query_KGTD, key_KTD, block)
                    sizes = scores.shape[1:3]
                    shares = torch.add(-normal_KGT[:, :, places, None], scores, alpha=scale).exp_()
                    given = slope_KGTE[:, :, places].flatten(1, 2)
                    of_shares = (given @ value_KTE[:, keys].transpose(1, 2)).unflatten(1, sizes)
                    of_value[index, :, keys] += shares.to(given.dtype).flatten(1, 2).transpose(1, 2) @ given
                    of_scores = torch.sub(of_shares, common_KGT[:, :, places, None]).mul_(shares)
                    narrow = of_scores.to(given.dtype).flatten(1, 2)
                    of_query_KGTD[:, :, places] = (narrow @ key_KTD[:, keys]).unflatten(1, sizes) * scale
                    of_key[index, :, keys] += narrow.transpose(1, 2) @ query_KGTD[:, :, places].flatten(1, 2)
        return of_query, (of_key * scale).to(key_BKTD.dtype), of_value.to(value_BKTE.dtype), None, None


def _scores(query_KGTD: Tensor, key_KTD: Tensor, block: Block) -> Tensor:
    """Q Kᵀ of a block, (K, G, C, S), with -inf for what a position does not see."""
    query = query_KGTD[:, :, block.start : block.end]
    scores = query.flatten(1, 2) @ key_KTD[:, block.first : block.end].transpose(1, 2)
    scores = scores.unflatten(1, query.shape[1:3])
    scores[..., block.shared - block.first :].masked_fill_(block.hidden, -torch.inf)
    return scores


def use_causal_attention(model: Any) -> None:
    """Let a transformers model on a CPU attend by `causal_attention` where it would by torch's kernel.

    What is neither causal attention of a whole sequence nor of documents in it stays with torch.
    """
    if model.config._attn_implementation == _TORCH and model.device.type == "cpu":
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
        return (blocks_of([0] * length),) * len(query) if causal else None
    found: Any = getattr(mask, _FOUND, False)
    if found is False:
        starts = document_starts(mask)
        found = None if starts is None else tuple(blocks_of(one) for one in starts)
        setattr(mask, _FOUND, found)
    if found is not None and len(found) != len(query):
        return found * len(query) if len(found) == 1 else None
    return found
