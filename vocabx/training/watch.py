"""Held-out text scored while a model trains: what it learns and what it forgets are seen as it happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vocabx._util.extras import need
from vocabx.evaluation.bits_per_byte import score_model
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.processes import Processes


@dataclass(frozen=True)
class Watched:
    """Bits per byte of both held-out texts; None for the base's language where there is no text in it."""

    target: float
    base_language: float | None


@dataclass(frozen=True)
class Watch:
    """What is scored.

    Attributes:
        tokenizer: of the model.
        target, base_language: passages of the two languages.
        dtype: name of the torch dtype that the model trains in, and is scored in.
    """

    tokenizer: FastTokenizer
    target: Sequence[str]
    base_language: Sequence[str]
    dtype: str

    def score(self, model: Any, processes: Processes) -> Watched:
        """Score the passages under a transformers model, each process its share of them.

        The model is in eval mode meanwhile, and as it was afterwards.
        """
        torch, training = need("torch", "train"), model.training
        mixed, dtype = self.dtype != "float32", getattr(torch, self.dtype)
        with torch.autocast(model.device.type, dtype=dtype if mixed else None, enabled=mixed):
            target = self._bits(model, self.target, processes)
            base_language = self._bits(model, self.base_language, processes) if self.base_language else None
        model.train(training)
        return Watched(target, base_language)

    def _bits(self, model: Any, passages: Sequence[str], processes: Processes) -> float:
        bits = size = 0.0
        # All processes go forward equally often: where a model is sharded, each needs the others.
        for start in range(0, len(passages), processes.count):
            mine = start + processes.rank
            passage = passages[min(mine, len(passages) - 1)]
            (score,) = score_model(model, self.tokenizer, [[passage]])
            if mine < len(passages):
                bits += score.whole * len(passage.encode())
                size += len(passage.encode())
        total = processes.sum(np.array([bits, size]))
        return float(total[0] / total[1])
