"""How far one model's predictions are from another's, on texts that both tokenize into the same ids.

KL(first ‖ second) = Σ p_first (log p_first − log p_second), over the ids of the first model. The second may
have more ids: probability that it gives to these is missing for the first's, and so increases KL. Both models
stay in memory.
"""

from collections.abc import Sequence
from typing import Any

from vocabx._util.extras import need
from vocabx._util.memory import rows_in_cache
from vocabx.progress import Advance

# Positions whose probabilities a GPU holds in float32 at a time, for both models.
_LOGIT_ROWS = 128


def mean_divergence(
    first: Any, second: Any, sequences: Sequence[Sequence[int]], advance: Advance = lambda done: None
) -> float:
    """The mean of KL(first ‖ second) in nats over all positions that predict a token.

    Softmax in float32, sum in float64. A sequence of one id predicts nothing.

    Args:
        first: a transformers model that predicts the next token.
        second: another one, whose first ids are those of `first`; it may have more ids, and be on any device.
        sequences: ids of texts, each after the id that begins a text.
        advance: called with the number of positions of each finished sequence.

    Raises:
        ValueError: if no sequence predicts a token, or `second` has fewer ids than `first`.
        MissingPackageError: if torch is not installed.
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
    # Of two equal models, rounding leaves a sum that may be below 0.
    return max(0.0, total / positions)


def _logits(torch: Any, model: Any, ids: Sequence[int]) -> Any:
    """Logits at each id but the last: (positions, vocabulary), in the model's dtype.

    Both parts of an encoder-decoder read the ids.
    """
    row = torch.tensor([list(ids)], device=model.device)
    both = getattr(getattr(model, "config", None), "is_encoder_decoder", False)
    decoder = {"decoder_input_ids": row} if both else {}
    return model(row, **decoder).logits[0, :-1]


def _sum(torch: Any, first: Any, second: Any) -> float:
    """The sum of KL(first ‖ second) over all positions."""
    width = first.shape[1]
    if second.shape[1] < width:
        raise ValueError(f"the second model has {second.shape[1]} ids, fewer than the {width} of the first")
    few = rows_in_cache(width) if first.device.type == "cpu" else _LOGIT_ROWS
    total = 0.0
    for start in range(0, len(first), few):
        rows = slice(start, start + few)
        p = torch.log_softmax(first[rows].float(), dim=-1)
        q = torch.log_softmax(second[rows].to(first.device).float(), dim=-1)[:, :width]
        # An id that a model rules out has log-probability -inf and zero weight.
        terms = torch.where(p.isneginf(), 0.0, p.exp() * (p - q))
        total += float(terms.sum(dtype=torch.float64))
    return total
