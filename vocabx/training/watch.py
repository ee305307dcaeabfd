"""Scoring held-out text during training, to show what a model learns and what it forgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vocabx._util.extras import need
from vocabx.evaluation.bits_per_byte import CausalScorer, Scorer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.by_occurrence import OccurrenceGroup, Trained, by_occurrence
from vocabx.training.processes import Processes


@dataclass(frozen=True)
class Watched:
    """Bits per byte of both held-out texts; None for the base's language if there is no text."""

    target: float
    base_language: float | None


@dataclass(frozen=True)
class Watch:
    """The held-out texts, and how to score them.

    Attributes:
        tokenizer: the tokenizer of the model.
        target, base_language: passages in the two languages.
        dtype: name of the torch dtype of training and scoring.
        scorer: scores passages; None for bits per byte of the next token.
    """

    tokenizer: FastTokenizer
    target: Sequence[str]
    base_language: Sequence[str]
    dtype: str
    scorer: Scorer | None = None

    def score(self, model: Any, processes: Processes) -> Watched:
        """Score the passages under a transformers model, each process a share of them.

        The model is in eval mode meanwhile, and in its previous mode afterwards.
        """
        training = model.training
        with self._autocast(model):
            target = self._bits(model, self.target, processes)
            base_language = self._bits(model, self.base_language, processes) if self.base_language else None
        model.train(training)
        return Watched(target, base_language)

    def by_occurrence(self, model: Any, trained: Trained) -> tuple[OccurrenceGroup, ...]:
        """Score the new tokens of the target's passages by their occurrences, in this process alone."""
        with self._autocast(model):
            return by_occurrence(model, self.tokenizer, self.target, trained, self.scorer)

    def _autocast(self, model: Any) -> Any:
        """The context that computes in the dtype of training."""
        torch, mixed = need("torch", "train"), self.dtype != "float32"
        dtype = getattr(torch, self.dtype) if mixed else None
        return torch.autocast(model.device.type, dtype=dtype, enabled=mixed)

    def _bits(self, model: Any, passages: Sequence[str], processes: Processes) -> float:
        bits = size = 0.0
        # All processes must run equally many forward passes: with a sharded model, each needs the others.
        for start in range(0, len(passages), processes.count):
            mine = start + processes.rank
            passage = passages[min(mine, len(passages) - 1)]
            (score,) = (self.scorer or CausalScorer(self.tokenizer)).scores(model, [[passage]])
            if mine < len(passages):
                bits += score.whole * len(passage.encode())
                size += len(passage.encode())
        total = processes.sum(np.array([bits, size]))
        return float(total[0] / total[1])
