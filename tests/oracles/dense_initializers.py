"""Initializers, one row at a time in float64, straight from their definitions."""

import numpy as np
import torch


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-8)


def wechsel(source, target, table, neighbours, temperature, copies, seed):
    table = np.asarray(table, dtype=np.float64)
    drawn = np.random.RandomState(seed).normal(
        table.mean(axis=0), table.std(axis=0), (len(target), table.shape[1])
    )
    cosines = unit(target) @ unit(source).T
    rows = np.zeros((len(target), table.shape[1]))
    for row in range(len(target)):
        if row in copies:
            rows[row] = table[copies[row]]
        elif not np.any(target[row]):
            rows[row] = drawn[row]
        else:
            best = sorted(range(len(source)), key=lambda old: (-cosines[row, old], old))[:neighbours]
            weights = [np.exp(cosines[row, old] / temperature) for old in best]
            for old, weight in zip(best, weights, strict=True):
                rows[row] += weight / sum(weights) * table[old]
    return rows


def ofa(source, target, table, neighbours, temperature, copies, seed, rank):
    if rank is None or rank == table.shape[1]:
        return wechsel(source, target, table, neighbours, temperature, copies, seed)
    left, values, right = np.linalg.svd(np.asarray(table, dtype=np.float64), full_matrices=False)
    for factor in range(len(values)):
        if right[factor, np.argmax(np.abs(right[factor]))] < 0:
            right[factor], left[:, factor] = -right[factor], -left[:, factor]
    coordinates, primitives = left[:, :rank], values[:rank, None] * right[:rank]
    return wechsel(source, target, coordinates, neighbours, temperature, copies, seed) @ primitives


def sparsemax(scores):
    """By bisection on the threshold: what exceeds it must sum to one."""
    low, high = min(scores) - 1, max(scores)
    for _ in range(200):
        middle = (low + high) / 2
        if np.maximum(scores - middle, 0).sum() > 1:
            low = middle
        else:
            high = middle
    return np.maximum(scores - high, 0)


def first_piece(model, table, tokens, text, boost):
    """Output rows, from a text given as lines of old ids and of new tokens ("new", i).

    Args:
        model: in float64, so that its last hidden states are.
        table: the output matrix.
        tokens: the pieces of each new token.
        text: the lines.
        boost: k.
    """
    states, counts = [], {}
    for line in text:
        ids = [0]
        for one in line:
            counts[one] = counts.get(one, 0) + 1
            ids += tokens[one[1]] if isinstance(one, tuple) else [one]
        with torch.no_grad():
            found = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[-1]
        states += list(found[0, 1:].numpy())
    mean = sum(states) / len(states)
    rows = []
    for row, pieces in enumerate(tokens):
        total = counts.get(pieces[0], 0)
        for other, others in enumerate(tokens):
            if others[0] == pieces[0]:
                total += counts.get(("new", other), 0) + 0.5
        share = (counts.get(("new", row), 0) + 0.5) / total
        rows.append(table[pieces[0]] + (np.log(share) + boost) * mean / np.dot(mean, mean))
    return np.array(rows)


def focus(source, target, table, copies):
    table = np.asarray(table, dtype=np.float64)
    overlap = [old for old in range(len(source)) if np.any(source[old])]
    rows = np.zeros((len(target), table.shape[1]))
    for row in range(len(target)):
        if row in copies:
            rows[row] = table[copies[row]]
        else:
            cosines = (unit(target[[row]]) @ unit(source[overlap]).T)[0]
            rows[row] = sparsemax(cosines) @ table[overlap]
    return rows
