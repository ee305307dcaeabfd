"""CW2V: constrained word2vec, new rows learned from text as points in the hull of old rows.

Source: arXiv 2407.05841. A new row is softmax(θ) E over old rows E that stay as they are; θ is learned by
skip-gram with negative sampling over text cut by the new tokenizer, centre rows from the input table and
context rows from the output table. Tied tables learn one θ, others two.

Not as the released code, each derived or inferred here:
- A row mixes K candidate old tokens, not all V, so no dense (N, V) softmax is formed.
- The loss is the expectation of the sampled one: pairs are counted once, and negatives enter with their
  probability (Levy and Goldberg, 2014). No pair and no negative is drawn, so no seed is needed.
- θ starts near the zip-tie point, not at random numbers: the release begins almost collapsed.
- θ is a plain array with a rate of its own. The release's product of two random matrices of inner size 1024
  moves a logit by some 0.3 a step at its rate of 3e-4.

Legend: N new tokens, V old, A contexts, B new tokens of a block, K candidates, D width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.initializers.candidates import choose_candidates
from vocabx.initializers.cooccurrence import Cooccurrence, count_pairs
from vocabx.initializers.inputs import InitializerInputs, Tables, TokenVectors
from vocabx.mixture.check_arrays import check_matrix
from vocabx.mixture.initialization import Initialization, everywhere
from vocabx.mixture.mixture import Mixture, from_entries

Float = NDArray[np.float32]

WINDOW = 5
NEGATIVES = 5
# word2vec's: rare tokens are drawn as negatives more often than they occur (inferred).
NEGATIVE_POWER = 0.75
# t of the subsampling sqrt(t / share of the centre); word2vec's order of magnitude (inferred).
SUBSAMPLING = 1e-4
RATE = 0.3
# What the start gives to candidates that are no pieces.
OPENNESS = 0.1
_BLOCK = 256
# Numbers that the candidate rows of one block may take.
_GATHERED = 1 << 25


def cw2v(
    tables: Tables,
    pieces: Sequence[Sequence[int]],
    text: NDArray[np.int64],
    old_rows: int,
    *,
    candidates: int = 64,
    epochs: int = 5,
    vectors: TokenVectors | None = None,
    advance: Callable[[float], None] = lambda done: None,
) -> Initialization:
    """Learn the new rows as convex combinations of K old rows each.

    A token that the text does not hold stays at the start: its pieces, and a little of its other candidates.
    Every row is in the hull, so greedy text from old tokens is unchanged; see docs/methods.md.

    Args:
        tables: the old tables; rows from V on are ignored.
        pieces: the old ids of each new token.
        text: int64 ids, see `InitializerInputs.text`.
        old_rows: V.
        candidates: K.
        epochs: passes over all new tokens.
        vectors: static vectors, whose nearest old tokens become candidates.
        advance: called with new tokens done, `epochs` times N in all.

    Returns:
        One mixture for tied tables; for others one for the input and one for the output.

    Raises:
        InitializerError: K or the epochs do not fit, or the text holds no new token.
    """
    if epochs < 1:
        raise InitializerError(f"--epochs is {epochs}: pass at least 1")
    near = count_pairs(text, old_rows, len(pieces), WINDOW)
    chosen = choose_candidates(pieces, near, old_rows, candidates, vectors)
    tied = tables.output is None
    sides = [_Side(tables.input, chosen, pieces, near, old_rows)]
    if not tied:
        sides.append(_Side(tables.output, chosen, pieces, near, old_rows))
    _learn(sides[0], sides[-1], near, epochs, advance)
    if tied:
        return everywhere(sides[0].mixture(old_rows))
    return Initialization(sides[0].mixture(old_rows), sides[1].mixture(old_rows))


def initialize(inputs: InitializerInputs) -> Initialization:
    """CW2V on the tables, the text and the settings of `problem`.

    Raises:
        InitializerError: it holds no tables or no text.
    """
    if inputs.tables is None or inputs.text is None:
        raise InitializerError(
            "cw2v learns from tables and text: set InitializerInputs.tables and InitializerInputs.text"
        )
    return cw2v(
        inputs.tables,
        inputs.pieces,
        inputs.text,
        inputs.old_rows,
        candidates=inputs.settings.candidates,
        epochs=inputs.settings.epochs,
        vectors=inputs.vectors,
        advance=inputs.advance,
    )


class _Side:
    """The new rows of one table while they are learned, and all rows of contexts as they are now."""

    def __init__(
        self,
        table: Any,
        chosen: NDArray[np.int64],
        pieces: Sequence[Sequence[int]],
        near: Cooccurrence,
        old_rows: int,
    ) -> None:
        check_matrix(table, old_rows)
        self.table, self.chosen = table, chosen
        self.logits_NK = _start(chosen, pieces)
        self.adam = _Adam(self.logits_NK.shape)
        self.column = np.full(len(pieces), -1, np.int64)
        new = np.flatnonzero(near.contexts >= old_rows)
        self.column[near.contexts[new] - old_rows] = new
        width = table.shape[1]
        self.rows_AD: Float = np.zeros((len(near.contexts), width), np.float32)
        old = near.contexts < old_rows
        self.rows_AD[old] = np.asarray(table[near.contexts[old]], dtype=np.float32)
        for start in range(0, len(pieces), _BLOCK):
            if not np.isfinite(self.refresh(slice(start, start + _BLOCK))).all():
                raise InitializerError("the base's table holds NaN or infinity: the base is damaged")

    def gather(self, block: slice) -> Float:
        """(B, K, D) the rows that a block may mix."""
        ids = self.chosen[block]
        used, where = np.unique(ids, return_inverse=True)
        rows: Float = np.asarray(self.table[used], dtype=np.float32)[where.reshape(ids.shape)]
        return rows

    def refresh(self, block: slice, rows_BKD: Float | None = None) -> Float:
        """Mix the rows of a block anew, note them among the contexts, and return them (B, D)."""
        rows_BKD = self.gather(block) if rows_BKD is None else rows_BKD
        mixed: Float = (_softmax(self.logits_NK[block])[:, None, :] @ rows_BKD)[:, 0]
        column = self.column[block]
        self.rows_AD[column[column >= 0]] = mixed[column >= 0]
        return mixed

    def descend(self, block: slice, gradient_BD: Float, rows_BKD: Float) -> None:
        """One step of Adam on the logits of a block, from the gradient of its rows."""
        weights = _softmax(self.logits_NK[block])
        onto = (rows_BKD @ gradient_BD[:, :, None])[:, :, 0]
        gradient = weights * (onto - (weights * onto).sum(axis=1, keepdims=True))
        self.logits_NK[block] -= self.adam.step(block, gradient)
        self.refresh(block, rows_BKD)

    def mixture(self, old_rows: int) -> Mixture:
        """The weights as they are now."""
        count, width = self.chosen.shape
        weights = _softmax(self.logits_NK.astype(np.float64)).ravel()
        return from_entries(np.repeat(np.arange(count), width), self.chosen.ravel(), weights, count, old_rows)


@dataclass(frozen=True)
class _Weights:
    """What each pair counts in the loss, for the N new tokens and the A contexts.

    Attributes:
        centre_N, centre_A: the share of its occurrences that a token keeps as a centre.
        negative_N, negative_A: how likely a negative is the token.
        centres_A: how many pairs a context has as a centre, those of two old tokens included.
    """

    centre_N: Float
    centre_A: Float
    negative_N: Float
    negative_A: Float
    centres_A: Float


def _learn(
    centre: _Side, context: _Side, near: Cooccurrence, epochs: int, advance: Callable[[float], None]
) -> None:
    """Walk over the new tokens in blocks; each block sees all others as they are at that moment.

    A block descends on every pair that it is part of, as centre and as context.
    """
    size = max(1, min(_BLOCK, _GATHERED // (centre.chosen.shape[1] * centre.rows_AD.shape[1])))
    weights = _weights(near, centre.column)
    count = len(centre.chosen)
    for _ in range(epochs):
        for start in range(0, count, size):
            block = slice(start, min(start + size, count))
            _step(centre, context, near, weights, block)
            advance(block.stop - block.start)


def _step(centre: _Side, context: _Side, near: Cooccurrence, weights: _Weights, block: slice) -> None:
    pairs_BA = near.pairs[block].toarray().astype(np.float32)
    present = pairs_BA.any(axis=1)
    if not present.any():
        return
    rows_BKD = centre.gather(block)
    # As centre: counted pairs pull, and NEGATIVES draws for each of them push.
    met = pairs_BA * weights.centre_N[block, None]
    push = NEGATIVES * met.sum(axis=1, keepdims=True) * weights.negative_A
    as_centre = _gradient(centre.refresh(block, rows_BKD), context.rows_AD, met, push)
    # As context: the pairs of other centres, and the draws of every centre that fall on this token.
    other_BKD = rows_BKD if context is centre else context.gather(block)
    met = pairs_BA * weights.centre_A
    push = NEGATIVES * weights.negative_N[block, None] * weights.centres_A
    as_context = _gradient(context.refresh(block, other_BKD), centre.rows_AD, met, push)
    if context is centre:
        centre.descend(block, as_centre + as_context, rows_BKD)
    else:
        centre.descend(block, as_centre, rows_BKD)
        context.descend(block, as_context, other_BKD)


def _gradient(rows_BD: Float, others_AD: Float, met_BA: Float, push_BA: Float) -> Float:
    """(B, D) the gradient of -Σ met log σ(r·o) - Σ push log σ(-r·o) by the rows r."""
    # Its import takes a third of a second, which every command would wait for.
    from scipy.special import expit

    attraction = expit(rows_BD @ others_AD.T)
    slope = (met_BA + push_BA) * attraction - met_BA
    gradient: Float = (slope @ others_AD).astype(np.float32, copy=False)
    return gradient


def _weights(near: Cooccurrence, column_N: NDArray[np.int64]) -> _Weights:
    share = near.counts / near.seen
    kept = np.minimum(1.0, np.sqrt(SUBSAMPLING / share))
    powers = near.counts**NEGATIVE_POWER
    negative = powers / powers.sum()
    occurs = column_N >= 0
    return _Weights(
        centre_N=np.where(occurs, kept[column_N], 0).astype(np.float32),
        centre_A=kept.astype(np.float32),
        negative_N=np.where(occurs, negative[column_N], 0).astype(np.float32),
        negative_A=negative.astype(np.float32),
        centres_A=(kept * near.neighbours).astype(np.float32),
    )


def _start(chosen: NDArray[np.int64], pieces: Sequence[Sequence[int]]) -> Float:
    """Logits of the start: 1 - OPENNESS on the pieces in equal parts, the rest on all candidates."""
    weights = np.full(chosen.shape, OPENNESS / chosen.shape[1])
    for row, own in enumerate(pieces):
        for piece in own:
            # With fewer candidates than pieces, the last pieces have no place.
            weights[row, chosen[row] == piece] += (1 - OPENNESS) / len(own)
    logits: Float = np.log(weights).astype(np.float32)
    return logits


def _softmax(logits: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[Any] = powers / powers.sum(axis=1, keepdims=True)
    return result


class _Adam:
    """Adam (arXiv 1412.6980) with a count of steps for each row, because blocks take turns."""

    def __init__(self, shape: tuple[int, int], first: float = 0.9, second: float = 0.999) -> None:
        self.first, self.second = first, second
        self.mean = np.zeros(shape, np.float32)
        self.square = np.zeros(shape, np.float32)
        self.steps = np.zeros((shape[0], 1), np.float32)

    def step(self, block: slice, gradient: Float) -> Float:
        """What to subtract from the rows of a block."""
        self.steps[block] += 1
        self.mean[block] += (1 - self.first) * (gradient - self.mean[block])
        self.square[block] += (1 - self.second) * (gradient**2 - self.square[block])
        mean = self.mean[block] / (1 - self.first ** self.steps[block])
        square = self.square[block] / (1 - self.second ** self.steps[block])
        update: Float = (RATE * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)
        return update
