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


def eeve(table, output, tokens):
    inputs = [sum(table[piece] for piece in pieces) / len(pieces) for pieces in tokens]
    return np.array(inputs), np.array([output[pieces[0]] for pieces in tokens])


def adaptivocab(table, output, tokens):
    found = []
    for matrix, sign in ((table, 1), (output, -1)):
        rows = []
        for pieces in tokens:
            weights = [np.exp(sign * 2.0 * number) for number in range(1, len(pieces) + 1)]
            total = sum(weights)
            rows.append(sum(w / total * matrix[piece] for w, piece in zip(weights, pieces, strict=True)))
        found.append(np.array(rows))
    return tuple(found)


def bil(table, output, tokens, texts, letters):
    """Args: texts: the old tokens as texts, "" for none; letters: all characters of the scripts."""
    own = [old for old, text in enumerate(texts) if set(text) & set(letters)]
    own = own or list({piece for pieces in tokens for piece in pieces})
    lengths = sorted(float(np.sqrt((table[old] ** 2).sum())) for old in own)
    middle = len(lengths) // 2
    median = lengths[middle] if len(lengths) % 2 else (lengths[middle - 1] + lengths[middle]) / 2
    inputs, outputs = [], []
    for pieces in tokens:
        mean = sum(table[piece] for piece in pieces) / len(pieces)
        inputs.append(mean * median / np.sqrt((mean**2).sum()))
        counts = [max(1, len(texts[piece])) for piece in pieces]
        weighted = sum(count * output[piece] for count, piece in zip(counts, pieces, strict=True))
        outputs.append(weighted / sum(counts))
    return np.array(inputs), np.array(outputs)


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
