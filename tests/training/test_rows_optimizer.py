"""The optimizer of new rows, against float64 versions that differentiate the composition itself."""

import copy
import math

import pytest
import torch

from vocabx.initializers.composition import PLACES, PieceMaps
from vocabx.training.rows_optimizer import Composed, RowsAdamW

N, D, V = 6, 16, 40
PIECES = ((3, 7), (5,), (3, 9, 1), (), (39, 2), (8, 3, 4, 9, 7, 6, 11, 12))
BETAS, EPS = (0.9, 0.999), 1e-8


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def run(steps, *, rowwise=False, rank=None, between=lambda step, optimizer, rows: None):
    """Rows that come closer to a target, of which some are seen every third step only; with an adapter."""
    rows, adapter = torch.nn.Parameter(random(N, D, seed=1)), torch.nn.Parameter(random(3, seed=2))
    maps = PieceMaps(PIECES, random(V, D, seed=3), rank=rank, both_ends=True, seed=4)
    composed = [] if rank is None else [Composed(rows, maps)]
    groups = [{"params": [rows], "lr": 0.01, "weight_decay": 0.0}]
    groups += [{"params": [adapter], "lr": 0.02, "weight_decay": 0.1}]
    if composed:
        groups += [{**group, "weight_decay": 0.0} for group in maps.groups_of_maps(0.003)]
    optimizer = RowsAdamW(groups, rowwise=[rows] if rowwise else (), composed=composed, betas=BETAS)
    for step in range(steps):
        between(step, optimizer, rows)
        optimizer.zero_grad()
        loss_of(rows, step).add(adapter.pow(2).sum()).backward()
        optimizer.step()
    return rows.detach(), adapter.detach(), optimizer


def loss_of(rows, step):
    seen = torch.arange(N) % 3 == step % 3
    error = rows - random(N, D, seed=9).to(rows.dtype)
    return error[seen].pow(2).sum() + 1e-4 * error.pow(2).sum()


def adam(parameters, rates, steps, loss, square):
    """Adam in float64 by its definition; `square` gives the second moments of a gradient."""
    moments = [
        [torch.zeros_like(one), torch.zeros_like(square(index, one))] for index, one in enumerate(parameters)
    ]
    for step in range(steps):
        for index, gradient in enumerate(torch.autograd.grad(loss(step), parameters)):
            mean, second = moments[index]
            mean.mul_(BETAS[0]).add_(gradient * (1 - BETAS[0]))
            second.mul_(BETAS[1]).add_(square(index, gradient) * (1 - BETAS[1]))
            corrected = [
                one / (1 - beta ** (step + 1)) for one, beta in zip((mean, second), BETAS, strict=True)
            ]
            with torch.no_grad():
                parameters[index].sub_(rates[index] * corrected[0] / (corrected[1].sqrt() + EPS))


def squared(index, gradient):
    return gradient.detach() ** 2


def test_rowwise_moments_are_the_means_of_each_row():
    rows = random(N, D, seed=1).double().requires_grad_()
    adam(
        [rows],
        [0.01],
        30,
        lambda step: loss_of(rows, step),
        lambda _, one: (one.detach() ** 2).mean(1, keepdim=True),
    )
    torch.testing.assert_close(run(30, rowwise=True)[0].double(), rows.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rowwise", [False, True])
def test_composed_rows_are_those_of_a_model_that_composes_them_itself(rowwise):
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

    def square(index, gradient):
        found = gradient.detach() ** 2
        return found.mean(1, keepdim=True) if index == 0 and rowwise else found

    rates = [0.01, 0.003 * math.sqrt(576 / D), 0.003, 0.003]
    adam([free, first, second, shared], rates, 30, lambda step: loss_of(rows(), step), square)
    found = run(30, rowwise=rowwise, rank=rank)[0]
    torch.testing.assert_close(found.double(), rows().detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("rowwise", "rank"), [(True, None), (False, 3), (True, 3)])
def test_going_on_from_its_state_is_exact(rowwise, rank):
    saved = {}

    def save(step, optimizer, rows):
        if step == 7:
            saved.update(copy.deepcopy({"optimizer": optimizer.state_dict(), "rows": rows.detach()}))

    def load(step, optimizer, rows):
        if step == 7:
            optimizer.load_state_dict(copy.deepcopy(saved["optimizer"]))
            rows.data.copy_(saved["rows"])

    def load_elsewhere(step, optimizer, rows):
        # Everything before is another run.
        if step < 7:
            rows.data.add_(1.0)
        load(step, optimizer, rows)

    whole = run(15, rowwise=rowwise, rank=rank, between=save)
    again = run(15, rowwise=rowwise, rank=rank, between=load_elsewhere)
    assert torch.equal(whole[0], again[0])


def test_other_parameters_train_as_with_plain_adamw():
    adapter = torch.nn.Parameter(random(3, seed=2))
    plain = torch.optim.AdamW(
        [{"params": [adapter], "lr": 0.02, "weight_decay": 0.1}], betas=BETAS, fused=True
    )
    for _ in range(20):
        plain.zero_grad()
        adapter.pow(2).sum().backward()
        plain.step()
    for settings in ({"rowwise": True}, {"rank": 3}):
        assert torch.equal(run(20, **settings)[1], adapter.detach())


def test_a_row_that_never_occurs_moves_with_those_that_share_its_pieces():
    moved = {}
    for rank in (None, 3):
        rows = torch.nn.Parameter(torch.zeros(2, D))
        maps = PieceMaps([(3, 7), (3, 7)], random(V, D, seed=3), rank=3, both_ends=False, seed=4)
        composed = [Composed(rows, maps)] if rank else []
        groups = [{"params": [rows], "lr": 0.01}, *(maps.groups_of_maps(0.003) if rank else [])]
        optimizer = RowsAdamW(groups, rowwise=[rows], composed=composed, betas=BETAS)
        for _ in range(10):
            optimizer.zero_grad()
            (rows[0] - 1).pow(2).sum().backward()
            optimizer.step()
        moved[rank] = float(rows[1].detach().abs().sum())
    assert moved[None] == 0 < moved[3]
