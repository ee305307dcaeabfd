"""Bits per byte: how well a model predicts a text, comparable between tokenizers.

bits per byte = -Σ log2 p(token | tokens before it) / UTF-8 bytes of the text. Every passage starts after
the model's beginning-of-text token, so every byte is predicted. Loads the whole model.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vocabx.corpus.passages import passages
from vocabx.extras import need
from vocabx.quiet import quiet_transformers
from vocabx.tokenizer.byte_level import ByteLevelTokenizer

_PASSAGE_BYTES = 3000
_LOGIT_ROWS = 256


def cut_for_scoring(texts: Sequence[str], context: int) -> list[str]:
    """Cut `texts` into passages that fit `context` tokens under any byte-level tokenizer.

    Both models of a comparison must score the same passages, so pass the smaller of their contexts.
    """
    limit = min(_PASSAGE_BYTES, context - 1)
    return [passage for text in texts for passage in passages(text, limit)]


def bits_per_byte(
    directory: Path,
    tokenizer: ByteLevelTokenizer,
    texts: Sequence[Sequence[str]],
    advance: Callable[[float], None] = lambda done: None,
) -> list[float]:
    """Bits per byte of each group of passages, under the model in `directory`, in its own dtype.

    Args:
        directory: a checkpoint that transformers loads.
        tokenizer: its tokenizer.
        texts: groups of passages from `cut_for_scoring`.
        advance: called with bytes scored.

    Raises:
        MissingPackageError: torch or transformers is not installed.
    """
    with quiet_transformers("evaluate"):
        torch, transformers = need("torch", "evaluate"), need("transformers", "evaluate")
        model = transformers.AutoModelForCausalLM.from_pretrained(
            directory, dtype="auto", local_files_only=True
        ).eval()
        begin = _begin(model.config)
        results = []
        for group in texts:
            nats = 0.0
            for passage, ids in zip(group, tokenizer.encode(group), strict=True):
                nats += _score(torch, model, [begin, *ids])
                advance(len(passage.encode()))
            results.append(nats / math.log(2) / max(1, sum(len(passage.encode()) for passage in group)))
    return results


def _score(torch: Any, model: Any, ids: list[int]) -> float:
    """-log p of all ids after the first, in nats; the softmax in float32, some rows at a time."""
    row = torch.tensor([ids])
    with torch.inference_mode():
        logits = model(row).logits[0, :-1]
        total = 0.0
        for start in range(0, len(ids) - 1, _LOGIT_ROWS):
            part = logits[start : start + _LOGIT_ROWS].float()
            wanted = row[0, 1 + start : 1 + start + len(part)]
            total += torch.nn.functional.cross_entropy(part, wanted, reduction="sum").item()
    return total


def _begin(config: Any) -> int:
    for name in ("bos_token_id", "eos_token_id"):
        value = getattr(config, name, None)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, int):
            return value
    return 0
