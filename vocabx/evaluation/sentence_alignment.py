"""How alike a sentence and its translation are inside a model, layer by layer: Language Ranker and MEXA.

Both are computed from one pass over each sentence. Language Ranker (arXiv 2404.11553): the cosine of the
states of the last tokens, the mean over pairs, then over five layers. MEXA (arXiv 2410.05873): the state of
a sentence is the mean of its tokens' with weights 1 … n; the share of pairs whose own cosine is strictly
greater than every other in its row and its column, then the mean and the maximum over all layers.

Cosines of raw states are high for unrelated sentences too. Beside each number stands the same of shuffled
pairs: the mean over permutations that give no sentence its own translation.

Each sentence follows the id that begins a text, whose state belongs to no sentence: it is large, the same in
both languages, and would make all cosines alike [derived]. The papers take what their tokenizers add.

Legend of names: S sentences, L layers and the embeddings before them, T tokens of a sentence, D width.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.checkpoint.special_ids import begin_id
from vocabx.corpus.sentence_pairs import SentencePairs
from vocabx.evaluation.side_by_side import Alignment
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer

# Of 32 layers, those that the ranker compares; of another number, the same fractions [inferred].
_RANKED, _OF = (5, 10, 15, 20, 25), 32
_SHUFFLES = 20
States = NDArray[np.float32]


def ranked_layers(layers: int) -> tuple[int, ...]:
    """The layers that Language Ranker compares, of a model of `layers` layers, counted from 1."""
    return tuple(sorted({max(1, round(layers * number / _OF)) for number in _RANKED}))


def measure_alignment(
    model: Any,
    tokenizer: FastTokenizer,
    pairs: SentencePairs,
    seed: int,
    advance: Advance = lambda done: None,
) -> Alignment:
    """Both measures of a loaded model, on its own device, by layer.

    The model reads one sentence at a time, in its dtype; means are in float32, cosines in float64. In memory
    are two vectors for each sentence and layer.

    Args:
        model: a transformers model that returns hidden states.
        tokenizer: its tokenizer.
        pairs: at least two.
        seed: of the permutations.
        advance: called with the number of sentences read.
    """
    model.eval()
    columns = (pairs.target, pairs.base_language)
    (last, mean), (last_too, mean_too) = (_states(model, tokenizer, texts, advance) for texts in columns)
    ranker = [cosines(*two) for two in zip(last, last_too, strict=True)]
    mexa = [cosines(*two) for two in zip(mean, mean_too, strict=True)]
    shuffles = _shuffles(len(pairs), seed)
    return Alignment(
        ranker=tuple(own_cosine(matrix) for matrix in ranker),
        ranker_shuffled=tuple(_shuffled(own_cosine, matrix, shuffles) for matrix in ranker),
        mexa=tuple(matched(matrix) for matrix in mexa),
        mexa_shuffled=tuple(_shuffled(matched, matrix, shuffles) for matrix in mexa),
        ranked=ranked_layers(len(ranker) - 1),
    )


def cosines(first: States, second: States) -> NDArray[np.float64]:
    """The cosine of each row of `first`, (S, D), with each of `second`, (S, D): (S, S); 0 of a zero row."""
    rows = []
    for states in (first, second):
        wide = states.astype(np.float64)
        lengths = np.linalg.norm(wide, axis=1, keepdims=True)
        rows.append(wide / np.where(lengths == 0, 1.0, lengths))
    return rows[0] @ rows[1].T


def own_cosine(matrix: NDArray[np.float64]) -> float:
    """The mean of the diagonal: of each sentence with its translation."""
    return float(np.diagonal(matrix).mean())


def matched(matrix: NDArray[np.float64]) -> float:
    """The share of the diagonal that is strictly greater than all else in its row and its column."""
    own = np.diagonal(matrix).copy()
    others = matrix.copy()
    np.fill_diagonal(others, -np.inf)
    return float(np.mean((own > others.max(axis=0)) & (own > others.max(axis=1))))


def _shuffles(size: int, seed: int) -> list[NDArray[np.int64]]:
    """Permutations without a fixed point: each maps along one random cycle."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(_SHUFFLES):
        cycle = random.permutation(size)
        shuffle = np.empty(size, dtype=np.int64)
        shuffle[cycle] = np.roll(cycle, 1)
        found.append(shuffle)
    return found


def _shuffled(
    measure: Callable[[NDArray[np.float64]], float],
    matrix: NDArray[np.float64],
    shuffles: Sequence[NDArray[np.int64]],
) -> float:
    """The mean of a measure over the matrix with its columns permuted."""
    return float(np.mean([measure(matrix[:, shuffle]) for shuffle in shuffles]))


def _states(
    model: Any, tokenizer: FastTokenizer, texts: Sequence[str], advance: Advance
) -> tuple[States, States]:
    """The state of the last token of each text, and the weighted mean of all: both (L, S, D)."""
    torch, begin = need("torch", "evaluate"), begin_id(model.config)
    found: tuple[list[Any], list[Any]] = ([], [])
    with torch.inference_mode():
        for ids in tokenizer.encode(texts):
            row = torch.tensor([[begin, *ids]], device=model.device)
            weights = torch.arange(1, len(ids) + 1, device=model.device, dtype=torch.float32)
            layers = model(row, output_hidden_states=True, use_cache=False).hidden_states
            own = torch.stack([states[0, 1:] for states in layers]).float()
            # On the processor at once, so that no more than one sentence's states are held.
            found[0].append(own[:, -1].cpu().numpy())
            found[1].append((weights @ own / weights.sum()).cpu().numpy())
            advance(1)
    return np.stack(found[0], axis=1), np.stack(found[1], axis=1)
