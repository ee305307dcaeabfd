"""Causal attention of packed documents on a CPU, a block of positions at a time, forwards and backwards.

torch's kernel for CPUs takes up to 512 keys at once, also those that causality hides, and a mask of documents
makes it take all of them. Here a block of queries meets the keys between the beginning of its document and
its own end. The scores of a block alone exist, and are computed again for the gradients.

Legend of names: B sequences, T positions, H heads of queries, K heads of keys, G = H / K, D width of a head
of queries and keys, E that of values; C positions of a block, S keys that it sees.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Positions of a block: fewer leave less to causality, more keep a processor busy. Measured.
BLOCK = 64


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
        # A logarithm: of the sum of all exponentials of a position's scores.
        normal = query_BHTD.new_empty(count, heads, length, dtype=_wide(query_BHTD.dtype))
        with torch.autocast(query_BHTD.device.type, enabled=False):
            for index in range(count):
                groups = (key_BKTD.shape[1], heads // key_BKTD.shape[1])
                _attend(
                    _split(query_BHTD[index], groups),
                    key_BKTD[index],
                    value_BKTE[index],
                    scale,
                    blocks[index],
                    _split(result[index].transpose(0, 1), groups),
                    _split(normal[index], groups),
                )
        context.save_for_backward(query_BHTD, key_BKTD, value_BKTE, result, normal)
        context.scale, context.blocks = scale, blocks
        return result

    @staticmethod
    def backward(context: Any, slope_BTHE: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query_BHTD, key_BKTD, value_BKTE, result, normal = context.saved_tensors
        of_query = torch.empty_like(query_BHTD)
        of_key = torch.zeros_like(key_BKTD, dtype=normal.dtype)
        of_value = torch.zeros_like(value_BKTE, dtype=normal.dtype)
        # What the normalization takes from the slope of each share.
        common = (slope_BTHE.to(normal.dtype) * result).sum(dim=3).transpose(1, 2)
        groups = (key_BKTD.shape[1], query_BHTD.shape[1] // key_BKTD.shape[1])
        with torch.autocast(query_BHTD.device.type, enabled=False):
            for index in range(len(query_BHTD)):
                _add_slopes(
                    _split(query_BHTD[index], groups),
                    key_BKTD[index],
                    value_BKTE[index],
                    context.scale,
                    context.blocks[index],
                    _split(normal[index], groups),
                    _split(slope_BTHE[index].transpose(0, 1), groups),
                    _split(common[index], groups),
                    (_split(of_query[index], groups), of_key[index], of_value[index]),
                )
        return of_query, of_key.to(key_BKTD.dtype), of_value.to(value_BKTE.dtype), None, None


def _attend(
    query_KGTD: Tensor,
    key_KTD: Tensor,
    value_KTE: Tensor,
    scale: float,
    blocks: tuple[Block, ...],
    result_KGTE: Tensor,
    normal_KGT: Tensor,
) -> None:
    """Write the result of one sequence and the logarithm of what normalizes each position."""
    for block in blocks:
        positions, keys = slice(block.start, block.end), slice(block.first, block.end)
        scores = _scores(query_KGTD[:, :, positions], key_KTD, block)
        largest = scores.amax(dim=3, keepdim=True).to(normal_KGT.dtype) * scale
        shares = torch.add(-largest, scores, alpha=scale).exp_()
        total = shares.sum(dim=3, keepdim=True)
        mixed = shares.to(value_KTE.dtype).flatten(1, 2) @ value_KTE[:, keys]
        result_KGTE[:, :, positions] = mixed.view(*scores.shape[:3], -1) / total
        normal_KGT[:, :, positions] = (largest + total.log())[..., 0]


def _add_slopes(
    query_KGTD: Tensor,
    key_KTD: Tensor,
    value_KTE: Tensor,
    scale: float,
    blocks: tuple[Block, ...],
    normal_KGT: Tensor,
    slope_KGTE: Tensor,
    common_KGT: Tensor,
    found: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Write the gradient of the queries of one sequence to `found`, and add those of its keys and values."""
    of_query_KGTD, of_key_KTD, of_value_KTE = found
    for block in blocks:
        positions, keys = slice(block.start, block.end), slice(block.first, block.end)
        query, slope = query_KGTD[:, :, positions], slope_KGTE[:, :, positions].flatten(1, 2)
        scores = _scores(query, key_KTD, block)
        shares = torch.add(-normal_KGT[:, :, positions, None], scores, alpha=scale).exp_()
        of_shares = (slope @ value_KTE[:, keys].transpose(1, 2)).view(scores.shape)
        of_value_KTE[:, keys] += shares.to(slope.dtype).flatten(1, 2).transpose(1, 2) @ slope
        of_scores = torch.sub(of_shares, common_KGT[:, :, positions, None]).mul_(shares)
        # Scaled before it is narrowed, so that products are the gradients themselves.
        narrow = of_scores.mul_(scale).to(slope.dtype).flatten(1, 2)
        of_query_KGTD[:, :, positions] = (narrow @ key_KTD[:, keys]).view(query.shape)
        of_key_KTD[:, keys] += narrow.transpose(1, 2) @ query.flatten(1, 2)


def _scores(query_KGCD: Tensor, key_KTD: Tensor, block: Block) -> Tensor:
    """Q Kᵀ of a block, (K, G, C, S), with -inf for what a position does not see."""
    products = query_KGCD.flatten(1, 2) @ key_KTD[:, block.first : block.end].transpose(1, 2)
    scores = products.view(*query_KGCD.shape[:3], -1)
    scores[..., block.shared - block.first :].masked_fill_(block.hidden, -torch.inf)
    return scores


def _split(heads: Tensor, groups: tuple[int, int]) -> Tensor:
    """The first axis, H, as K and G; a view."""
    return heads.view(*groups, *heads.shape[1:])


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
