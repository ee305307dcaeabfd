"""Input rows of new tokens, fitted so that the base's states after some layers are those over their pieces.

Source: Token Distillation (arXiv 2505.20133). One model is the teacher, reading a text in its own tokens, and
the student, reading it in new ones. At the last piece of each token the two shall agree. Both stop at the
layer compared, and the teacher's states are computed once.

Derived here: all new tokens of a text are merged at once, and their rows are a `Composition`. With free rows
alone, the paper merges a single new token in each text, because training diverges otherwise.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocabx._util.model_attention import causal_attention_in
from vocabx.initializers.composition import Composition
from vocabx.initializers.first_layers import GivenRows, mean_square, states_at
from vocabx.initializers.windows import Window
from vocabx.progress import Advance

MAP_RATE, FREE_RATE = 1e-3, 0.023
_BETAS = (0.9, 0.99)
_WARM_UP = 10
_STABLE = 0.6
_FLOOR = 0.03


@dataclass(frozen=True)
class Taught:
    """A window with what the teacher says of it.

    Attributes:
        ids: (T,) int64.
        first: the position of the first new id: states before it are equal in any case.
        states: (T - first, D), the teacher's states at the last piece of each id from there on.
    """

    ids: Tensor
    first: int
    states: Tensor


def teach(model: Any, window: Window, layer: int, first_new: int) -> Taught:
    """The teacher's states of one window."""
    ids = torch.from_numpy(window.ids).to(model.device)
    first = int((ids >= first_new).nonzero()[0, 0])
    with torch.no_grad():
        states = states_at(model, torch.from_numpy(window.old).to(model.device), layer)
    return Taught(ids, first, states[torch.from_numpy(window.last[first:]).to(model.device)].clone())


def given_rows(composition: Composition, ids_T: Tensor, first_new: int) -> GivenRows:
    """The rows of the new ids of a sequence, each computed once."""
    used, inverse = torch.unique(ids_T[ids_T >= first_new] - first_new, return_inverse=True)
    return GivenRows(first_new, torch.nn.functional.embedding(inverse, composition(used)))


def student_loss(model: Any, composition: Composition, taught: Taught, layer: int, first_new: int) -> Tensor:
    """The mean squared difference of both states, as a share of the teacher's; a float32 scalar."""
    states = states_at(model, taught.ids, layer, given_rows(composition, taught.ids, first_new))
    return mean_square(states[taught.first :], taught.states)


def fit_inputs(
    model: Any,
    composition: Composition,
    windows: Sequence[Window],
    *,
    layer: int,
    first_new: int,
    passes: int,
    seed: int,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    advance: Advance = lambda done: None,
) -> int:
    """Train a composition in place, one window at a step; Adam, a constant rate that falls at the end.

    Args:
        model: the base; its parameters get no gradients.
        composition: what trains.
        windows: the text.
        layer: number of layers after which states are compared.
        first_new: V.
        passes: over the windows.
        seed: of their order after the first pass.
        seconds: stop after so many, with the rate fallen until then.
        clock: counts seconds.
        advance: called with ids done.

    Returns:
        The number of steps.
    """
    optimizer = torch.optim.Adam(composition.groups(MAP_RATE, FREE_RATE), betas=_BETAS, fused=True)
    rates = [group["lr"] for group in optimizer.param_groups]
    taught: list[Taught] = []
    begun, total, step = clock(), passes * len(windows), 0
    order = np.random.RandomState(seed)
    with causal_attention_in(model):
        while step < total:
            done = step / total if seconds is None else max(step / total, (clock() - begun) / seconds)
            if done >= 1:
                break
            turn = step % len(windows)
            if turn == 0 and step:
                shuffled = order.permutation(len(windows))
            if step < len(windows):
                taught.append(teach(model, windows[step], layer, first_new))
            one = taught[turn if step < len(windows) else int(shuffled[turn])]
            factor = min(1.0, (step + 1) / _WARM_UP) * falling(done, _STABLE, _FLOOR)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            torch.autograd.backward(student_loss(model, composition, one, layer, first_new))
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            advance(len(one.ids))
    return step


def falling(done: float, stable: float, floor: float) -> float:
    """A factor of the rate: 1 for a share `stable` of the run, then falling in a line to `floor`."""
    return 1.0 if done < stable else max(floor, (1 - done) / (1 - stable))
