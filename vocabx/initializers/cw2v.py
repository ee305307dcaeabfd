"""CW2V: constrained word2vec, which learns new rows from text as points in the convex hull of old rows.

Source: arXiv 2407.05841. A new row is softmax(θ) E over frozen old rows E; θ is learned by skip-gram with
negative sampling on text tokenized by the new tokenizer, with center rows from the input embeddings and
context rows from the lm_head. Tied matrices learn one θ, untied ones two.

Differences from the released code, each derived or inferred here:
- A row mixes K candidate old tokens, not all V, so no dense (N, V) softmax is formed.
- The loss is the expectation of the sampled one: pairs are counted once, and negatives enter with their
  probability (Levy and Goldberg, 2014). No pairs or negatives are sampled, so no seed is needed.
- θ is initialized near the zip-tie solution, not randomly: the release begins almost collapsed.
- θ is a plain array with its own learning rate. The release's product of two random matrices of inner size
  1024 moves a logit by about 0.3 per step at its learning rate of 3e-4.

Dimensions: N new tokens, V old tokens, A contexts, B new tokens in a block, K candidates, D width.
"""

from collections.abc import Sequence
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
from vocabx.progress import Advance

Float = NDArray[np.float32]

WINDOW = 5
NEGATIVES = 5
# As in word2vec: rare tokens serve as negatives more often than they occur (inferred).
NEGATIVE_POWER = 0.75
# t in the subsampling sqrt(t / share of the center); word2vec's order of magnitude (inferred).
SUBSAMPLING = 1e-4
RATE = 0.3
# The initial weight spread equally over all candidates, pieces or not.
OPENNESS = 0.1
_BLOCK = 256
# Maximum size of the candidate rows of one block, in numbers.
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
    advance: Advance = lambda done: None,
) -> Initialization:
    """Learn the new rows as convex combinations of K old rows each.

    A token that does not occur in the text keeps its initial mixture: its pieces, with a small weight on its
    other candidates. Every row is in the hull, so greedy decoding from old tokens is unchanged; see
    docs/methods.md.

    Args:
        tables: the old embedding matrices; rows from V on are ignored.
        pieces: the old ids of each new token.
        text: int64 ids, see `InitializerInputs.text`.
        old_rows: V.
        candidates: K.
        epochs: passes over all new tokens.
        vectors: static vectors, by which the nearest old tokens become candidates.
        advance: called with the number of new tokens done, `epochs` times N in total.

    Returns:
        One mixture for tied matrices; otherwise one for the input and one for the output.

    Raises:
        InitializerError: K or `epochs` is out of range, or the text contains no new token.
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
    """CW2V on the embedding matrices, the text and the settings of `inputs`.

    Raises:
        InitializerError: the matrices or the text are missing.
    """
    if inputs.tables is None or inputs.text is None:
        raise InitializerError(
            "cw2v needs embeddings and text: set InitializerInputs.tables and InitializerInputs.text"
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
    """The new rows of one embedding matrix during training, and the current rows of all contexts."""

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
                raise InitializerError("the base's embeddings contain NaN or infinity: the base is damaged")

    def gather(self, block: slice) -> Float:
        """The candidate rows of a block, (B, K, D)."""
        ids = self.chosen[block]
        used, where = np.unique(ids, return_inverse=True)
        rows: Float = np.asarray(self.table[used], dtype=np.float32)[where.reshape(ids.shape)]
        return rows

    def refresh(self, block: slice, rows_BKD: Float | None = None) -> Float:
        """Recompute the rows of a block, update them among the contexts, and return them, (B, D)."""
        rows_BKD = self.gather(block) if rows_BKD is None else rows_BKD
        mixed: Float = (_softmax(self.logits_NK[block])[:, None, :] @ rows_BKD)[:, 0]
        column = self.column[block]
        self.rows_AD[column[column >= 0]] = mixed[column >= 0]
        return mixed

    def descend(self, block: slice, gradient_BD: Float, rows_BKD: Float) -> None:
        """One Adam step on the logits of a block, given the gradient of its rows."""
        weights = _softmax(self.logits_NK[block])
        onto = (rows_BKD @ gradient_BD[:, :, None])[:, :, 0]
        gradient = weights * (onto - (weights * onto).sum(axis=1, keepdims=True))
        self.logits_NK[block] -= self.adam.step(block, gradient)
        self.refresh(block, rows_BKD)

    def mixture(self, old_rows: int) -> Mixture:
        """The current weights."""
        count, width = self.chosen.shape
        weights = _softmax(self.logits_NK.astype(np.float64)).ravel()
        return from_entries(np.repeat(np.arange(count), width), self.chosen.ravel(), weights, count, old_rows)


@dataclass(frozen=True)
class _Weights:
    """The weights of pairs in the loss, for the N new tokens and the A contexts.

    Attributes:
        center_N, center_A: the share of its occurrences that a token keeps as a center.
        negative_N, negative_A: the probability that a negative sample is the token.
        centers_A: the number of pairs with the context as a center, including pairs of two old tokens.
    """

    center_N: Float
    center_A: Float
    negative_N: Float
    negative_A: Float
    centers_A: Float


def _learn(center: _Side, context: _Side, near: Cooccurrence, epochs: int, advance: Advance) -> None:
    """Iterate over the new tokens in blocks; each block uses the current rows of all others.

    A block takes a gradient step on every pair that contains one of its tokens, as center and as context.
    """
    size = max(1, min(_BLOCK, _GATHERED // (center.chosen.shape[1] * center.rows_AD.shape[1])))
    weights = _weights(near, center.column)
    count = len(center.chosen)
    for _ in range(epochs):
        for start in range(0, count, size):
            block = slice(start, min(start + size, count))
            _step(center, context, near, weights, block)
            advance(block.stop - block.start)


def _step(center: _Side, context: _Side, near: Cooccurrence, weights: _Weights, block: slice) -> None:
    pairs_BA = near.pairs[block].toarray().astype(np.float32)
    present = pairs_BA.any(axis=1)
    if not present.any():
        return
    rows_BKD = center.gather(block)
    # As center: counted pairs attract, and NEGATIVES samples for each of them repel.
    met = pairs_BA * weights.center_N[block, None]
    push = NEGATIVES * met.sum(axis=1, keepdims=True) * weights.negative_A
    as_center = _gradient(center.refresh(block, rows_BKD), context.rows_AD, met, push)
    # As context: the pairs of other centers, and the negative samples of all centers that are this token.
    other_BKD = rows_BKD if context is center else context.gather(block)
    met = pairs_BA * weights.center_A
    push = NEGATIVES * weights.negative_N[block, None] * weights.centers_A
    as_context = _gradient(context.refresh(block, other_BKD), center.rows_AD, met, push)
    if context is center:
        center.descend(block, as_center + as_context, rows_BKD)
    else:
        center.descend(block, as_center, rows_BKD)
        context.descend(block, as_context, other_BKD)


def _gradient(rows_BD: Float, others_AD: Float, met_BA: Float, push_BA: Float) -> Float:
    """The gradient of -Σ met log σ(r·o) - Σ push log σ(-r·o) with respect to the rows r, (B, D)."""
    # Importing it takes a third of a second, which would slow down every command.
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
        center_N=np.where(occurs, kept[column_N], 0).astype(np.float32),
        center_A=kept.astype(np.float32),
        negative_N=np.where(occurs, negative[column_N], 0).astype(np.float32),
        negative_A=negative.astype(np.float32),
        centers_A=(kept * near.neighbours).astype(np.float32),
    )


def _start(chosen: NDArray[np.int64], pieces: Sequence[Sequence[int]]) -> Float:
    """Initial logits: 1 - OPENNESS equally on the pieces, the rest equally on all candidates."""
    weights = np.full(chosen.shape, OPENNESS / chosen.shape[1])
    for row, own in enumerate(pieces):
        for piece in own:
            # With fewer candidates than pieces, the last pieces are left out.
            weights[row, chosen[row] == piece] += (1 - OPENNESS) / len(own)
    logits: Float = np.log(weights).astype(np.float32)
    return logits


def _softmax(logits: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[Any] = powers / powers.sum(axis=1, keepdims=True)
    return result


class _Adam:
    """Adam (arXiv 1412.6980) with a step count for each row, because blocks are updated in turn."""

    def __init__(self, shape: tuple[int, int], first: float = 0.9, second: float = 0.999) -> None:
        self.first, self.second = first, second
        self.mean = np.zeros(shape, np.float32)
        self.square = np.zeros(shape, np.float32)
        self.steps = np.zeros((shape[0], 1), np.float32)

    def step(self, block: slice, gradient: Float) -> Float:
        """The amount to subtract from the rows of a block."""
        self.steps[block] += 1
        self.mean[block] += (1 - self.first) * (gradient - self.mean[block])
        self.square[block] += (1 - self.second) * (gradient**2 - self.square[block])
        mean = self.mean[block] / (1 - self.first ** self.steps[block])
        square = self.square[block] / (1 - self.second ** self.steps[block])
        update: Float = (RATE * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)
        return update
