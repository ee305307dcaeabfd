"""WECHSEL, OFA and FOCUS, one row at a time in float64, straight from their definitions."""

import numpy as np


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
