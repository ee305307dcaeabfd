"""Span corruption, which an encoder-decoder is trained with (T5, arXiv 1910.10683).

Of a packed sequence, 15 % of the tokens are hidden in spans of 3 on average. Each span is replaced by a
sentinel in the encoder's text; the decoder predicts sentinel and tokens of each span, a last sentinel, and
the end. Spans and the text between them have random lengths (`random_spans_noise_mask` of T5's release). The
draw is a pure function of seed and position. As there, documents in a sequence follow each other without an
id between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.training.masking import SHARE
from vocabx.training.packed import IGNORED, PADDING, ids_of

_MEAN = 3.0


@dataclass(frozen=True)
class SpanCorruption:
    """How sequences of an encoder-decoder are hidden.

    Attributes:
        sentinels: their ids in order.
        end: the id that ends a text.
        pad: the id of padding.
        seed: of all draws.
    """

    sentinels: Sequence[int]
    end: int
    pad: int
    seed: int

    def item(self, stored: NDArray[np.uint32], position: int) -> dict[str, Any]:
        """A packed sequence as input of an encoder-decoder.

        Args:
            stored: (L,), with marks.
            position: of the sequence in the run.

        Returns:
            `input_ids` and `attention_mask`, each (L + 1,) int64, and `labels`, (M,) int64: M follows from L.
        """
        ids = ids_of(stored)
        # Text alone, of which one token is hidden, is no shorter with a sentinel, and gets an end.
        length = len(ids) + 1
        text = ids[((stored & PADDING) == 0) & (ids != self.end)]
        random = np.random.Generator(np.random.PCG64([self.seed & 0xFFFFFFFF, position, 2]))
        hidden = self.hidden(len(text), random)
        starts = hidden & ~np.r_[False, hidden[:-1]]
        number = np.cumsum(starts) - 1
        sentinels = np.asarray(self.sentinels, dtype=np.int64)
        shown: list[int] = []
        target: list[int] = []
        for index, inside, start, span in zip(text, hidden, starts, number, strict=True):
            if start:
                shown.append(sentinels[span])
                target.append(sentinels[span])
            (target if inside else shown).append(index)
        target += [int(sentinels[int(starts.sum())]), self.end]
        shown.append(self.end)
        noise, spans = self._sizes(len(ids))
        row = np.full(length, self.pad, dtype=np.int64)
        row[: len(shown)] = shown
        labels = np.full(noise + spans + 2, IGNORED, dtype=np.int64)
        labels[: len(target)] = target
        return {
            "input_ids": row,
            "attention_mask": (np.arange(length) < len(shown)).astype(np.int64),
            "labels": labels,
        }

    def hidden(self, count: int, random: np.random.Generator) -> NDArray[np.bool_]:
        """Which of `count` tokens are hidden: spans that begin after some text, (count,)."""
        noise, spans = self._sizes(count)
        if count < 2:
            return np.zeros(count, dtype=bool)
        lengths = np.empty(2 * spans, dtype=np.int64)
        lengths[::2] = _divided(count - noise, spans, random)
        lengths[1::2] = _divided(noise, spans, random)
        return np.repeat(np.arange(2 * spans) % 2 == 1, lengths)

    def _sizes(self, count: int) -> tuple[int, int]:
        """Hidden tokens, and spans, of a text of `count` tokens."""
        noise = min(max(1, round(SHARE * count)), max(1, count - 1))
        spans = min(max(1, round(noise / _MEAN)), len(self.sentinels) - 1, max(1, count - noise))
        return noise, spans


def _divided(count: int, parts: int, random: np.random.Generator) -> NDArray[np.int64]:
    """`count` in parts of at least 1, all divisions equally likely."""
    borders = np.sort(random.choice(count - 1, size=parts - 1, replace=False)) + 1 if parts > 1 else ()
    ends = np.asarray([0, *borders, count], dtype=np.int64)
    return ends[1:] - ends[:-1]
