"""How far one model's predictions are from another's, on texts that both cut into the same ids.

KL(first ‖ second) = Σ p_first (log p_first − log p_second), over the ids of the first model. The second may
know more: what it gives to ids of its own is lost to the first's, and so counts. Both models stay in memory.
"""

from collections.abc import Sequence
from typing import Any

from vocabx._util.extras import need
from vocabx.progress import Advance

# Positions whose probabilities are in float32 at one time, for both models.
_LOGIT_ROWS = 128


def mean_divergence(
    first: Any, second: Any, sequences: Sequence[Sequence[int]], advance: Advance = lambda done: None
) -> float:
    """The mean of KL(first ‖ second) in nats over every position that predicts a token.

    The softmax is in float32, the sum in float64. A sequence of one id predicts nothing.

    Args:
        first: a model of transformers that predicts the next token.
        second: another, whose first ids are those of `first`; it may know more, on any device.
        sequences: ids of texts, each after the id that begins a text.
        advance: called with the positions of a sequence when it is done.

    Raises:
        ValueError: no sequence predicts a token, or `second` knows fewer ids than `first`.
        MissingPackageError: torch is not installed.
    """
    torch = need("torch", "evaluate")
    first.eval()
    second.eval()
    total, positions = 0.0, 0
    with torch.inference_mode():
        for ids in sequences:
            if len(ids) > 1:
                total += _sum(torch, _logits(torch, first, ids), _logits(torch, second, ids))
                positions += len(ids) - 1
                advance(len(ids) - 1)
    if not positions:
        raise ValueError("no sequence predicts a token")
    return total / positions


def _logits(torch: Any, model: Any, ids: Sequence[int]) -> Any:
    """What predicts each id after the first: positions × vocabulary, in the model's dtype."""
    return model(torch.tensor([list(ids)], device=model.device)).logits[0, :-1]


def _sum(torch: Any, first: Any, second: Any) -> float:
    """Σ over the positions of KL(first ‖ second)."""
    width = first.shape[1]
    if second.shape[1] < width:
        raise ValueError(f"the second model knows {second.shape[1]} ids, fewer than the {width} of the first")
    total = 0.0
    for start in range(0, len(first), _LOGIT_ROWS):
        rows = slice(start, start + _LOGIT_ROWS)
        p = torch.log_softmax(first[rows].float(), dim=-1)
        q = torch.log_softmax(second[rows].to(first.device).float(), dim=-1)[:, :width]
        # An id that a model rules out has the logarithm -inf, and weighs nothing.
        terms = torch.where(p.isneginf(), 0.0, p.exp() * (p - q))
        total += float(terms.sum(dtype=torch.float64))
    return total
