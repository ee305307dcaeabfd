"""A model for lm-eval, whose log-likelihoods stay comparable between tokenizers: see `boundary`.

Everything else is lm-eval's own: what a task asks, few-shot examples, generation, metrics.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lm_eval.models.huggingface import HFLM
from numpy.typing import NDArray

from vocabx.evaluation.boundary import Split, Vocabulary, continuation_scores, split_group
from vocabx.evaluation.side_by_side import Boundaries
from vocabx.tokenizer.fast import FastTokenizer


class TaskModel(HFLM):  # type: ignore[misc]
    """A loaded model and its tokenizer, as lm-eval sees them.

    Args:
        model: of transformers, that predicts the next token.
        tokenizer: of transformers.
        fast: the same tokenizer, which knows the bytes of each token.
    """

    def __init__(self, model: Any, tokenizer: Any, fast: FastTokenizer) -> None:
        super().__init__(pretrained=model, tokenizer=tokenizer, backend="causal")
        added = {token["id"]: token["content"].encode() for token in fast.spec["added_tokens"]}
        self._vocabulary = Vocabulary({**fast.token_bytes, **added})
        self._pairs = 0
        self._straddled = 0

    @property
    def boundaries(self) -> Boundaries:
        """What was met of contexts and continuations so far."""
        return Boundaries(self._pairs, self._straddled)

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """The log p of each continuation given its context, and whether it is what greedy decoding gives."""
        found: dict[int, tuple[float, bool]] = {}
        plain: list[int] = []
        groups: dict[str, list[int]] = {}
        for number, request in enumerate(requests):
            groups.setdefault(request.args[0], []).append(number)
        for context, members in groups.items():
            split = self._split(context, [requests[number].args[1] for number in members])
            self._pairs += len(members)
            if split is None or not any(split.straddled):
                plain += members
                continue
            self._straddled += sum(split.straddled)
            scores = continuation_scores(split, self._vocabulary, self._log_probabilities)
            found.update(zip(members, scores, strict=True))
        # Together, since lm-eval sorts them by length and batches them.
        own = super().loglikelihood([requests[n] for n in plain], disable_tqdm=True) if plain else []
        found.update(zip(plain, own, strict=True))
        return [found[number] for number in range(len(requests))]

    def _split(self, context: str, continuations: Sequence[str]) -> Split | None:
        """The group's tokens, None without a context; its last spaces belong to what follows, as there."""
        start = context.rstrip()
        if not start:
            return None
        split = split_group(
            self.tok_encode(start), [self.tok_encode(context + more) for more in continuations]
        )
        if split.head:
            return split
        return Split((self.prefix_token_id,), split.context, split.joint)

    def _log_probabilities(self, before: Sequence[int], tokens: Sequence[int]) -> NDArray[np.floating]:
        ids = [*before, *tokens][-(self.max_length + 1) :][:-1]
        logits = self._model_call(torch.tensor([ids], device=self.device))[0, -len(tokens) :]
        found: NDArray[np.floating] = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
        return found
