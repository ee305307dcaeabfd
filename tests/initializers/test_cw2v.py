"""CW2V against finite differences of the loss that it minimizes, and its convex hull."""

import numpy as np
import pytest
from scipy.special import log_expit

from vocabx.errors import InitializerError
from vocabx.initializers.candidates import choose_candidates
from vocabx.initializers.cooccurrence import count_pairs
from vocabx.initializers.cw2v import _gradient, cw2v
from vocabx.initializers.inputs import LINE_END, Tables, TokenVectors

V, N, D = 60, 20, 12
RANDOM = np.random.RandomState(0)
TABLE = RANDOM.standard_normal((V, D)).astype(np.float32)
OUTPUT = RANDOM.standard_normal((V, D)).astype(np.float32)
PIECES = [tuple(RANDOM.randint(0, V, 1 + i % 4)) for i in range(N)]


def text(lines: int = 300, seed: int = 1) -> np.ndarray:
    """Lines in which new tokens occur among old tokens of the same topic."""
    random = np.random.RandomState(seed)
    parts = []
    for _ in range(lines):
        topic = random.randint(5)
        old = random.randint(0, 12, 8) * 5 + topic
        new = V + random.randint(0, N // 5, 4) * 5 + topic
        parts.append(random.permutation(np.concatenate([old, new])))
    return np.concatenate([np.append(part, LINE_END) for part in parts])


def test_pairs_are_within_the_window_and_the_line():
    ids = np.array([1, V, 2, LINE_END, V, V + 1, 3, LINE_END, 4])
    found = count_pairs(ids, V, N, window=2)
    expected = np.zeros((N, V + N))
    lines = [[1, V, 2], [V, V + 1, 3], [4]]
    totals = np.zeros(V + N)
    for line in lines:
        for i, center in enumerate(line):
            for j, other in enumerate(line):
                if i != j and abs(i - j) <= 2:
                    totals[center] += 1
                    if center >= V:
                        expected[center - V, other] += 1
    dense = np.zeros((N, V + N))
    dense[:, found.contexts] = found.pairs.toarray()
    np.testing.assert_array_equal(dense, expected)
    np.testing.assert_array_equal(found.neighbours, totals[found.contexts])
    assert found.seen == 7


def test_the_gradient_is_that_of_the_negative_sampling_loss():
    rows, others = RANDOM.standard_normal((3, D)), RANDOM.standard_normal((7, D))
    met, push = RANDOM.uniform(0, 3, (3, 7)), RANDOM.uniform(0, 3, (3, 7))

    def loss(rows):
        logits = rows @ others.T
        return -(met * log_expit(logits) + push * log_expit(-logits)).sum()

    expected = np.zeros_like(rows)
    for place in np.ndindex(rows.shape):
        step = np.zeros_like(rows)
        step[place] = 1e-5
        expected[place] = (loss(rows + step) - loss(rows - step)) / 2e-5
    np.testing.assert_allclose(_gradient(rows, others, met, push), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("output", [None, OUTPUT])
def test_training_lowers_the_skip_gram_loss(output):
    ids = text()
    near = count_pairs(ids, V, N, window=5)
    share = near.counts / near.seen
    kept = np.minimum(1, np.sqrt(1e-4 / share))
    negative = near.counts**0.75 / (near.counts**0.75).sum()

    def loss(epochs):
        found = cw2v(Tables(TABLE, output), PIECES, ids, V, candidates=20, epochs=epochs)
        tables = [np.vstack([TABLE, found.apply("input", TABLE)])]
        last = TABLE if output is None else output
        tables.append(np.vstack([last, found.apply("input" if output is None else "output", last)]))
        centers, contexts = tables[0][V:], tables[1][near.contexts]
        logits = centers @ contexts.T
        column = np.searchsorted(near.contexts, V + np.arange(N))
        met = near.pairs.toarray() * kept[column][:, None]
        push = 5 * met.sum(axis=1, keepdims=True) * negative
        return -(met * log_expit(logits) + push * log_expit(-logits)).sum()

    one, twenty = loss(1), loss(20)
    assert twenty < 0.98 * one


def test_training_moves_weight_to_old_tokens_of_the_same_topic():
    # Old rows point in the direction of their topic, so a row of the same topic predicts a context best.
    table = np.zeros((V, 5), np.float32)
    table[np.arange(V), np.arange(V) % 5] = 0.7
    found = cw2v(Tables(table), PIECES, text(), V, candidates=V, epochs=30)
    weights = found.input.weights.toarray()
    own = np.array([weights[i, np.arange(V) % 5 == i % 5].sum() for i in range(N)])
    assert own.mean() > 0.6


def test_every_row_is_a_convex_combination_of_its_candidates():
    found = cw2v(Tables(TABLE, OUTPUT), PIECES, text(), V, candidates=8)
    for mixture in (found.input, found.output):
        assert mixture.weights.data.min() >= 0
        np.testing.assert_allclose(mixture.weights.sum(axis=1), 1)
        assert (np.diff(mixture.weights.indptr) <= 8).all()
    assert found.hull_bound() is not None
    hidden = np.random.RandomState(0).standard_normal((500, D)).astype(np.float32) * 10
    old, new = hidden @ OUTPUT.T, hidden @ found.apply("output", OUTPUT).T
    assert (new.max(axis=1) <= old.max(axis=1) + 1e-4).all()


def test_tied_embeddings_learn_one_mixture_and_untied_ones_two():
    tied, untied = (cw2v(Tables(TABLE, output), PIECES, text(), V, candidates=9) for output in (None, OUTPUT))
    assert tied.input is tied.output
    assert abs(untied.input.weights - untied.output.weights).max() > 0.01


def test_a_token_that_does_not_occur_stays_at_its_pieces():
    ids = text()
    ids = np.where(ids == V + 3, V + 2, ids)
    weights = cw2v(Tables(TABLE), PIECES, ids, V, candidates=10).input.weights.toarray()[3]
    assert weights[list(PIECES[3])].sum() == pytest.approx(0.9 + 0.1 * len(set(PIECES[3])) / 10)


def test_the_same_inputs_give_the_same_bits():
    one, two = (cw2v(Tables(TABLE), PIECES, text(), V, candidates=9).input.weights for _ in range(2))
    assert (one != two).nnz == 0


def test_candidates_are_the_pieces_then_the_nearest_by_vector_then_by_cooccurrence():
    near = count_pairs(text(), V, N, window=5)
    source = np.eye(V, dtype=np.float32)
    target = np.zeros((N, V), np.float32)
    target[0, 44] = 1
    chosen = choose_candidates(PIECES, near, V, 10, TokenVectors(source, target))
    assert len(set(chosen[0])) == 10
    pieces = list(dict.fromkeys(PIECES[0]))
    assert chosen[0].tolist()[: len(pieces) + 1] == [*pieces, 44]
    associated = choose_candidates(PIECES, near, V, 10)
    topic = [np.mean(associated[i][len(set(PIECES[i])) :] % 5 == i % 5) for i in range(N)]
    assert np.mean(topic) > 0.9


@pytest.mark.parametrize("candidates", [0, V + 1])
def test_a_number_of_candidates_out_of_range_is_refused_in_one_line(candidates):
    with pytest.raises(InitializerError, match=f"--candidates is {candidates}: pass 1 to {V}"):
        cw2v(Tables(TABLE), PIECES, text(), V, candidates=candidates)


def test_text_without_new_tokens_is_refused_in_one_line():
    with pytest.raises(InitializerError, match="holds none of the new tokens"):
        cw2v(Tables(TABLE), PIECES, np.arange(20), V, candidates=9)


def test_embeddings_that_are_too_short_or_damaged_are_refused_in_one_line():
    with pytest.raises(InitializerError, match="the tokenizer belongs to another base"):
        cw2v(Tables(TABLE[:-1]), PIECES, text(), V, candidates=9)
    with pytest.raises(InitializerError, match="contain NaN or infinity"):
        cw2v(Tables(np.full_like(TABLE, np.nan)), PIECES, text(), V, candidates=9)
