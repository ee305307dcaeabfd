"""Bits per byte: how well a model predicts a text, comparable between tokenizers.

bits per byte = -Σ log2 p(token | tokens before it) / UTF-8 bytes of the text. Every passage starts after the
model's bos token, so every byte is predicted. A base that encodes the language as bytes learns the byte
sequences from the passage itself, so its figure falls with passage length far more than the extended model's:
compare at the length that you will use. Loads the whole model.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx._util.memory import rows_in_cache
from vocabx._util.quiet import quiet_transformers
from vocabx.checkpoint.special_ids import begin_id
from vocabx.corpus.passages import passages
from vocabx.evaluation.load_model import load_model
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer

_PASSAGE_BYTES = 3000
START_BYTES = 1000
# Positions whose logits a GPU holds in float32 at once.
_LOGIT_ROWS = 256


def split_for_scoring(texts: Sequence[str], context: int) -> list[str]:
    """Split `texts` into passages that fit `context` tokens under any byte-level tokenizer.

    Both models of a comparison must score the same passages, so pass the smaller of their contexts.
    """
    limit = min(_PASSAGE_BYTES, context - 1)
    return [passage for text in texts for passage in passages(text, limit)]


@dataclass(frozen=True)
class Score:
    """Bits per byte of some passages.

    Attributes:
        whole: over whole passages.
        start: over the first 1,000 bytes of each, where a model has little context.
    """

    whole: float
    start: float


def bits_per_byte(
    directory: Path,
    tokenizer: FastTokenizer,
    texts: Sequence[Sequence[str]],
    advance: Advance = lambda done: None,
) -> list[Score]:
    """Score each group of passages under the model in `directory`, as `load_model` loads it.

    Args:
        directory: a checkpoint that transformers loads.
        tokenizer: its tokenizer.
        texts: groups of passages from `split_for_scoring`.
        advance: called with bytes scored.

    Raises:
        MissingPackageError: if torch or transformers is not installed.
    """
    with quiet_transformers("evaluate"):
        return score_model(load_model(directory), tokenizer, texts, advance)


def score_model(
    model: Any,
    tokenizer: FastTokenizer,
    texts: Sequence[Sequence[str]],
    advance: Advance = lambda done: None,
) -> list[Score]:
    """Score each group of passages under a loaded model, on its own device; see `bits_per_byte`."""
    torch, begin = need("torch", "evaluate"), begin_id(model.config)
    model.eval()
    return [_score(torch, model, tokenizer, begin, group, advance) for group in texts]


class Scorer(Protocol):
    """Scores passages under a loaded model, on its own device; the model is in eval mode afterwards."""

    def scores(
        self, model: Any, texts: Sequence[Sequence[str]], advance: Advance = lambda done: None
    ) -> list[Score]:
        """The score of each group of passages."""

    def losses(self, model: Any, passages: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
        """The ids of each passage, and -log p of each in nats."""


@dataclass(frozen=True)
class CausalScorer:
    """Scores passages by the next token, under a model with this tokenizer; see `Scorer`."""

    tokenizer: FastTokenizer

    def scores(
        self, model: Any, texts: Sequence[Sequence[str]], advance: Advance = lambda done: None
    ) -> list[Score]:
        """Bits per byte of each group of passages from `split_for_scoring`."""
        return score_model(model, self.tokenizer, texts, advance)

    def losses(self, model: Any, passages: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
        """The ids of each passage, and -log p of each in nats."""
        return token_losses(model, self.tokenizer, passages)


def token_losses(
    model: Any, tokenizer: FastTokenizer, passages: Sequence[str]
) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
    """The ids of each passage, and -log p of each in nats, under a loaded model on its own device."""
    torch, begin = need("torch", "evaluate"), begin_id(model.config)
    model.eval()
    for ids in tokenizer.encode(passages):
        yield ids, _losses(torch, model, [begin, *ids])


def _score(
    torch: Any,
    model: Any,
    tokenizer: FastTokenizer,
    begin: int,
    group: Sequence[str],
    advance: Advance,
) -> Score:
    nats, size = np.zeros(2), np.zeros(2)
    for passage, ids in zip(group, tokenizer.encode(group), strict=True):
        losses = _losses(torch, model, [begin, *ids])
        lengths = np.array([len(tokenizer.token_bytes.get(index, b"")) for index in ids])
        start = np.cumsum(lengths) <= START_BYTES
        nats += losses.sum(), losses[start].sum()
        size += len(passage.encode()), lengths[start].sum()
        advance(len(passage.encode()))
    whole, first = nats / math.log(2) / np.maximum(1, size)
    return Score(float(whole), float(first))


def label_nats(torch: Any, logits: Any, labels: Any) -> NDArray[np.float64]:
    """-log p in nats of each label; softmax in float32, a block of positions at a time.

    Padding rows that hold NaN or Inf have no probability: no server would produce them.

    Args:
        torch: the library.
        logits: (n, V), of any dtype.
        labels: (n,), ids.
    """
    few = rows_in_cache(logits.shape[1]) if logits.device.type == "cpu" else _LOGIT_ROWS
    parts = [np.zeros(0)]
    with torch.inference_mode():
        for some, wanted in zip(torch.split(logits, few), torch.split(labels, few), strict=True):
            some = some.float()
            possible = some.masked_fill(~torch.isfinite(some), -math.inf)
            nats = torch.nn.functional.cross_entropy(possible, wanted, reduction="none")
            parts.append(nats.cpu().double().numpy())
    return np.concatenate(parts)


def _losses(torch: Any, model: Any, ids: list[int]) -> NDArray[np.float64]:
    """-log p in nats of each id after the first."""
    row = torch.tensor([ids], device=model.device)
    with torch.inference_mode():
        return label_nats(torch, model(row).logits[0, :-1], row[0, 1:])
