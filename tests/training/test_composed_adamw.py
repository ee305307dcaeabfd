"""The optimizer of composed rows, against a float64 version that differentiates the composition itself."""

import copy
import math

import pytest
import torch

from vocabx.initializers.composition import PLACES, PieceMaps
from vocabx.training.composed_adamw import Composed, ComposedAdamW

N, D, V = 6, 16, 40
PIECES = ((3, 7), (5,), (3, 9, 1), (), (39, 2), (8, 3, 4, 9, 7, 6, 11, 12))
BETAS, EPS = (0.9, 0.999), 1e-8


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def run(steps, *, rank=3, between=lambda step, optimizer, rows: None):
    """Rows that come closer to a target, of which some are seen every third step only; with an adapter."""
    rows, adapter = torch.nn.Parameter(random(N, D, seed=1)), torch.nn.Parameter(random(3, seed=2))
    maps = PieceMaps(PIECES, random(V, D, seed=3), rank=rank, both_ends=True, seed=4)
    groups = [{"params": [rows], "lr": 0.01, "weight_decay": 0.0}]
    groups += [{"params": [adapter], "lr": 0.02, "weight_decay": 0.1}]
    groups += [{**group, "weight_decay": 0.0} for group in maps.groups_of_maps(0.003)]
    optimizer = ComposedAdamW(groups, composed=[Composed(rows, maps)], betas=BETAS)
    for step in range(steps):
        between(step, optimizer, rows)
        optimizer.zero_grad()
        loss_of(rows, step).add(adapter.pow(2).sum()).backward()
        optimizer.step()
    return rows.detach(), adapter.detach()


def loss_of(rows, step):
    seen = torch.arange(N) % 3 == step % 3
    error = rows - random(N, D, seed=9).to(rows.dtype)
    return error[seen].pow(2).sum() + 1e-4 * error.pow(2).sum()


def adam(parameters, rates, steps, loss):
    """Adam in float64 by its definition."""
    moments = [[torch.zeros_like(one), torch.zeros_like(one)] for one in parameters]
    for step in range(steps):
        for index, gradient in enumerate(torch.autograd.grad(loss(step), parameters)):
            found = zip(moments[index], (gradient, gradient.pow(2)), BETAS, strict=True)
            for moment, value, beta in found:
                moment.mul_(beta).add_(value * (1 - beta))
            mean, square = (
                one / (1 - beta ** (step + 1)) for one, beta in zip(moments[index], BETAS, strict=True)
            )
            with torch.no_grad():
                parameters[index].sub_(rates[index] * mean / (square.sqrt() + EPS))


def test_composed_rows_are_those_of_a_model_that_composes_them_itself():
    rank = 3
    maps = PieceMaps(PIECES, random(V, D, seed=3), rank=rank, both_ends=True, seed=4)
    first, second = (one.detach().double().requires_grad_() for one in maps.maps)
    shared = torch.zeros(D, dtype=torch.float64, requires_grad=True)
    free = random(N, D, seed=1).double().requires_grad_()
    table = random(V, D, seed=3).double()

    def rows():
        made = []
        for index, pieces in enumerate(PIECES):
            row = free[index] + shared
            for place in range(min(PLACES, len(pieces))):
                row = row + table[pieces[-1 - place]] @ first[place] @ second[place]
                row = row + table[pieces[place]] @ first[PLACES + place] @ second[PLACES + place]
            made.append(row)
        return torch.stack(made)

    rates = [0.01, 0.003 * math.sqrt(576 / D), 0.003, 0.003]
    adam([free, first, second, shared], rates, 30, lambda step: loss_of(rows(), step))
    torch.testing.assert_close(run(30, rank=rank)[0].double(), rows().detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("rank", [3, D])
def test_going_on_from_its_state_is_exact(rank):
    saved = {}

    def save(step, optimizer, rows):
        if step == 7:
            saved.update(copy.deepcopy({"optimizer": optimizer.state_dict(), "rows": rows.detach()}))

    def load(step, optimizer, rows):
        if step < 7:
            # Everything before is another run.
            rows.data.add_(1.0)
        elif step == 7:
            optimizer.load_state_dict(copy.deepcopy(saved["optimizer"]))
            rows.data.copy_(saved["rows"])

    whole = run(15, rank=rank, between=save)
    again = run(15, rank=rank, between=load)
    assert torch.equal(whole[0], again[0])


def test_other_parameters_train_as_with_plain_adamw():
    adapter = torch.nn.Parameter(random(3, seed=2))
    group = {"params": [adapter], "lr": 0.02, "weight_decay": 0.1}
    plain = torch.optim.AdamW([group], betas=BETAS, fused=True)
    for _ in range(20):
        plain.zero_grad()
        adapter.pow(2).sum().backward()
        plain.step()
    assert torch.equal(run(20)[1], adapter.detach())


def test_a_row_that_never_occurs_moves_with_those_that_share_its_pieces():
    moved = []
    for rate in (0.0, 0.003):
        rows = torch.nn.Parameter(torch.zeros(2, D))
        maps = PieceMaps([(3, 7), (3, 7)], random(V, D, seed=3), rank=3, both_ends=False, seed=4)
        groups = [{"params": [rows], "lr": 0.01}, *maps.groups_of_maps(rate)]
        optimizer = ComposedAdamW(groups, composed=[Composed(rows, maps)], betas=BETAS)
        for _ in range(10):
            optimizer.zero_grad()
            (rows[0] - 1).pow(2).sum().backward()
            optimizer.step()
        moved.append(float(rows[1].detach().abs().sum()))
    assert moved[0] == 0 < moved[1]
