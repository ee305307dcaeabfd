"""lm_head rows of new tokens, fitted to the base's own states over text in new tokens. Derived here.

With the model and the old rows frozen, each position gives one state, the logarithm of what all old rows add
to the softmax there, and the id that follows. All three are computed once, so that a step costs one product
with the new rows. These are a `Composition` without free parts: rows that are fitted alone get worse on other
text from the first pass on.

A part of the text is read twice in a row. A model copies a text that it has read, and what its layers then
write is made of the new token's own input row: that row is one of the features, and without repeated text the
fit hardly learns to use it. Copying is most of what new tokens lack.

Legend of names: T positions, D width, V old rows, N new rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocabx._util.model_attention import causal_attention_in
from vocabx.initializers.composition import Composition
from vocabx.initializers.first_layers import last_states
from vocabx.initializers.fit_inputs import given_rows
from vocabx.initializers.windows import Ids, Window
from vocabx.progress import Advance

RATE = 1e-3
RANK = 32
# The weight of the loss on repeated text.
REPEATED = 0.3
# Positions in a step, and in a block of the product with old rows.
_BATCH = 512
_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Reading:
    """A sequence to read, and the first of its positions that counts."""

    ids: Ids
    first: int = 0


def read_once(windows: Sequence[Window]) -> list[Reading]:
    """The windows as they are."""
    return [Reading(window.ids) for window in windows]


def read_twice(windows: Sequence[Window]) -> list[Reading]:
    """The first half of each window and the same again, which alone counts."""
    # The ids [0, 5, 6, 7, 8] become [0, 5, 6, 5, 6]; what follows position 2 counts, 5 and 6.
    halves = [(window.ids[:1], window.ids[1 : 1 + len(window.ids) // 2]) for window in windows]
    return [Reading(np.concatenate([begin, half, half]), len(half)) for begin, half in halves if len(half)]


@dataclass(frozen=True)
class Positions:
    """What the fit needs of each position.

    Attributes:
        states: (T, D), in the dtype of the model.
        old: (T,) float32, log Σ exp of the logits of all old tokens.
        own: (T,) float32, the logit of the id that follows if it is old, else 0.
        labels: (T,) int64, the number of the new token that follows, -1 if it is old.
    """

    states: Tensor
    old: Tensor
    own: Tensor
    labels: Tensor


def positions_of(
    model: Any,
    composition: Composition,
    sequences: Sequence[Reading],
    old_rows: Tensor,
    scale: float,
    advance: Advance = lambda done: None,
) -> Positions:
    """Read sequences with the input rows of `composition`, each once.

    Args:
        model: the base.
        composition: input rows of the new tokens.
        sequences: the text.
        old_rows: (V, D), the lm_head's rows of tokens.
        scale: the factor of the model's logits.
        advance: called with ids done.
    """
    parts: list[tuple[Tensor, ...]] = []
    first_new = len(old_rows)
    with torch.no_grad(), causal_attention_in(model):
        for one in sequences:
            ids = torch.from_numpy(one.ids).to(model.device)
            states = last_states(model, ids, given_rows(composition, ids, first_new))[one.first : -1] * scale
            following = ids[1 + one.first :]
            old, own = _old_logits(states, old_rows, following)
            labels = torch.where(following >= first_new, following - first_new, -1)
            parts.append((states, old, own, labels))
            advance(len(ids))
    return Positions(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _old_logits(states: Tensor, old_rows: Tensor, following: Tensor) -> tuple[Tensor, Tensor]:
    sums, own = [], []
    for block, ids in zip(torch.split(states, _BATCH), torch.split(following, _BATCH), strict=True):
        logits = (block @ old_rows.T).float()
        sums.append(logits.logsumexp(dim=1))
        taken = logits.gather(1, ids.clamp(max=len(old_rows) - 1)[:, None])[:, 0]
        own.append(torch.where(ids < len(old_rows), taken, 0.0))
    return torch.cat(sums), torch.cat(own)


def output_loss(new_ND: Tensor, positions: Positions, chosen: Tensor) -> Tensor:
    """Mean -log p of the id that follows, in nats, over chosen positions; a float32 scalar."""
    states, labels = positions.states[chosen], positions.labels[chosen]
    logits = (states @ new_ND.to(states.dtype).T).float()
    whole = torch.logaddexp(positions.old[chosen], logits.logsumexp(dim=1))
    new = logits.gather(1, labels.clamp(min=0)[:, None])[:, 0]
    return (whole - torch.where(labels >= 0, new, positions.own[chosen])).mean()


def fit_outputs(
    composition: Composition, positions: Positions, repeated: Positions, passes: int, seed: int
) -> None:
    """Train a composition in place with Adam, at a rate that falls to zero in a line.

    Args:
        composition: what trains.
        positions: of the text.
        repeated: of text that is read a second time.
        passes: over `positions`.
        seed: of the order.
    """
    optimizer = torch.optim.Adam(composition.groups(RATE, 0.0), betas=_BETAS)
    rates = [group["lr"] for group in optimizer.param_groups]
    random = torch.Generator().manual_seed(seed)
    count, device = len(positions.labels), positions.states.device
    batches = [
        batch for _ in range(passes) for batch in torch.split(torch.randperm(count, generator=random), _BATCH)
    ]
    for step, batch in enumerate(batches):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * (1 - step / len(batches))
        rows = composition()
        loss = output_loss(rows, positions, batch.to(device))
        again = torch.randint(len(repeated.labels), (_BATCH // 2,), generator=random)
        loss = loss + REPEATED * output_loss(rows, repeated, again.to(device))
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
