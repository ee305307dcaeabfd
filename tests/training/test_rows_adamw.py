"""AdamW of rows that wait for their tokens, against each row on its own in float64."""

import copy

import pytest
import torch

from vocabx.training.rows_adamw import RowsAdamW, Seen

N, D, FIRST = 7, 5, 100
BETAS, EPS, RATE = (0.9, 0.999), 1e-3, 0.01
# The tokens that occur in each step; 5 and 6 never do.
STEPS = ((0, 1), (1,), (), (1, 4), (0, 1, 2, 3), (2,), (4, 1), (0, 4))


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def batch(numbers):
    """Two sequences with old ids besides, the new ones in the inputs or in the labels."""
    ids = torch.full((2, 6), 3)
    labels = torch.full((2, 6), -100)
    for place, number in enumerate(numbers):
        (ids if place % 2 else labels)[place % 2, place] = FIRST + number
    return {"input_ids": ids, "labels": labels}


def gradients(step, shape):
    """Every row has one in every step, as under a softmax."""
    return random(*shape, seed=10 + step)


def optimizer_of(rows, bias, adapter, seen):
    groups = [{"params": [rows, bias], "lr": RATE, "weight_decay": 0.0, "eps": EPS}]
    groups += [{"params": [adapter], "lr": 0.02, "weight_decay": 0.1}]
    return RowsAdamW(groups, rows=[rows, bias], seen=seen, betas=BETAS)


def parameters():
    return [torch.nn.Parameter(random(*shape, seed=1)) for shape in ((N, D), (N,), (3,))]


def run(given, seen, optimizer, steps):
    for step in steps:
        if seen is not None:
            seen.see(batch(STEPS[step][:1]))
            seen.see(batch(STEPS[step]))
        for one in given:
            one.grad = gradients(step, one.shape)
        optimizer.step()
    return [one.detach().clone() for one in given]


def test_each_row_is_adam_from_the_step_in_which_its_token_first_occurs():
    given, seen = parameters(), Seen(FIRST, N)
    rows, bias, _ = run(given, seen, optimizer_of(*given, seen), range(len(STEPS)))
    for found, start in ((rows, random(N, D, seed=1)), (bias, random(N, seed=1))):
        for number in range(N):
            value, mean, square = start[number].double(), 0.0, 0.0
            for step in range(len(STEPS)):
                if not any(number in those for those in STEPS[: step + 1]):
                    continue
                gradient = gradients(step, found.shape)[number].double()
                mean = BETAS[0] * mean + (1 - BETAS[0]) * gradient
                square = BETAS[1] * square + (1 - BETAS[1]) * gradient**2
                # The steps of all rows count, not those of this one.
                corrected = (square / (1 - BETAS[1] ** (step + 1))) ** 0.5
                value = value - RATE * mean / (1 - BETAS[0] ** (step + 1)) / (corrected + EPS)
            torch.testing.assert_close(found[number].double(), value, rtol=1e-5, atol=1e-6)
            assert torch.equal(found[number], start[number]) == (number in (5, 6))


def test_padding_rows_move_in_every_step():
    given, seen = parameters(), Seen(FIRST, N, [FIRST + 6])
    rows, _, _ = run(given, seen, optimizer_of(*given, seen), range(3))
    start = random(N, D, seed=1)
    assert [torch.equal(rows[number], start[number]) for number in (2, 5, 6)] == [True, True, False]


@pytest.mark.parametrize("occurs", [True, False])
def test_other_parameters_and_all_rows_on_demand_are_those_of_adamw(occurs):
    given, plain = parameters(), parameters()
    seen = Seen(FIRST, N) if occurs else None
    found = run(given, seen, optimizer_of(*given, seen), range(len(STEPS)))
    groups = [{"params": plain[:2], "lr": RATE, "weight_decay": 0.0, "eps": EPS}]
    groups += [{"params": plain[2:], "lr": 0.02, "weight_decay": 0.1}]
    wanted = run(plain, None, torch.optim.AdamW(groups, betas=BETAS, fused=True), range(len(STEPS)))
    assert torch.equal(found[2], wanted[2])
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True)) != occurs


def test_a_saved_state_goes_on_with_the_same_rows():
    whole, seen = parameters(), Seen(FIRST, N)
    wanted = run(whole, seen, optimizer_of(*whole, seen), range(len(STEPS)))
    first, seen = parameters(), Seen(FIRST, N)
    optimizer = optimizer_of(*first, seen)
    run(first, seen, optimizer, range(4))
    saved = copy.deepcopy(optimizer.state_dict())
    again, seen = [torch.nn.Parameter(one.detach().clone()) for one in first], Seen(FIRST, N)
    optimizer = optimizer_of(*again, seen)
    optimizer.load_state_dict(saved)
    found = run(again, seen, optimizer, range(4, len(STEPS)))
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))
