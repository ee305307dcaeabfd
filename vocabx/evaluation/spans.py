"""Span bits per byte: how well an encoder-decoder fills in spans of a text, comparable between tokenizers.

The units of a text (words, see `units`) are hidden in the same seven groups as for masked bits per byte. Each
hidden unit of a group is replaced by a sentinel in the encoder's text, and the decoder predicts all of them:
sentinel, tokens, next sentinel (T5, arXiv 1910.10683). The sentinel after a unit says that it ends, so that

    span bits per byte = -Σ log2 p(unit, its end | text not hidden, hidden units before it) / UTF-8 bytes

is what it costs to say the hidden words, whatever their tokens are. The first sentinel costs nothing. An
unknown token costs 8 bits more for each byte of its text, as there. Inferred: T5 itself is scored by no such
number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.errors import TokenizerError
from vocabx.evaluation.bits_per_byte import Score
from vocabx.evaluation.lm_head import head_inputs, is_plain
from vocabx.evaluation.masked import GROUPS, Frame, group_score, logit_nats, unknown_nats
from vocabx.evaluation.units import Encoded, Ints, Units, encoded
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer

_NAMES = ("<extra_id_{}>", "▁<extra_id_{}>")
_IGNORED = -100


def sentinels_of(tokenizer: FastTokenizer, where: object) -> tuple[int, ...]:
    """The ids of a tokenizer's sentinels in their order, `<extra_id_0>` first.

    Raises:
        TokenizerError: it has fewer than two.
    """
    for name in _NAMES:
        found: list[int] = []
        while (index := tokenizer.vocabulary.get(name.format(len(found)))) is not None:
            found.append(index)
        if len(found) > 1:
            return tuple(found)
    raise TokenizerError(
        f"{where}: the tokenizer has no sentinels (<extra_id_0>, …), which stand for what is hidden from an "
        "encoder-decoder: pass one that was trained with them, such as T5"
    )


@dataclass(frozen=True)
class SpanScorer:
    """Scores passages under an encoder-decoder.

    Attributes:
        tokenizer: its tokenizer.
        frame: the special ids around a text.
        sentinels: see `sentinels_of`.
        units: of each passage that may be scored, see `common_units`.
    """

    tokenizer: FastTokenizer
    frame: Frame
    sentinels: Sequence[int]
    units: Mapping[str, Units]

    def scores(
        self, model: Any, texts: Sequence[Sequence[str]], advance: Advance = lambda done: None
    ) -> list[Score]:
        """Span bits per byte of each group of passages under a loaded model, on its own device."""
        return [group_score(self, model, group, advance) for group in texts]

    def losses(self, model: Any, passages: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
        """The ids of each passage, and -log p of each in nats; the last of a unit has that of its end."""
        model.eval()
        torch = need("torch", "evaluate")
        ids = torch.arange(8, device=model.device)[None]
        plain = is_plain(model, {"input_ids": ids, "decoder_input_ids": ids, "use_cache": False})
        for text, tokens in zip(passages, encoded(self.tokenizer, passages), strict=True):
            losses = self._losses(model, plain, tokens, self.units[text])
            yield tokens.ids, losses + unknown_nats(self.tokenizer, text, tokens)

    def _losses(self, model: Any, plain: bool, tokens: Encoded, units: Units) -> NDArray[np.float64]:
        torch, found = need("torch", "evaluate"), np.zeros(len(tokens.ids))
        passes = list(span_passes(tokens.ids, units.of_tokens(tokens.offsets), self.sentinels))
        if not passes:
            return found
        inputs = [[*self.frame.begin, *one.shown, *self.frame.end] for one in passes]
        rows, real = _padded(torch, inputs, 0), _padded(torch, [[1] * len(row) for row in inputs], 0)
        labels = _padded(torch, [one.target for one in passes], _IGNORED).to(model.device)
        arguments = {
            "input_ids": rows.to(model.device),
            "attention_mask": real.to(model.device),
            "decoder_input_ids": model.prepare_decoder_input_ids_from_labels(labels=labels),
            "use_cache": False,
        }
        with torch.inference_mode():
            source = head_inputs(model, arguments) if plain else model(**arguments).logits
        for number, one in enumerate(passes):
            # The first sentinel is no news.
            places = torch.arange(1, len(one.target), device=model.device)
            nats = logit_nats(torch, model, plain, source[number, places], labels[number, places])
            np.add.at(found, one.of[1:], nats)
        return found


@dataclass(frozen=True)
class SpanPass:
    """A text with one group of its units replaced by sentinels.

    Attributes:
        shown: the ids of the text without the group.
        target: sentinel and ids of each unit, and a last sentinel.
        of: (len(target),) int64, the number of the token that each of `target` counts for.
    """

    shown: list[int]
    target: list[int]
    of: Ints


def span_passes(ids: Sequence[int], units: Ints, sentinels: Sequence[int]) -> Iterator[SpanPass]:
    """A pass over a text for each group of its units; more groups where there are too few sentinels.

    Args:
        ids: the tokens of the text.
        units: the unit of each.
        sentinels: their ids.
    """
    if not len(units):
        return
    count = int(units.max()) + 1
    groups = max(GROUPS, -(-count // (len(sentinels) - 1)))
    for group in range(groups):
        shown: list[int] = []
        target: list[int] = []
        of: list[int] = []
        used, last = 0, -1
        for number, (index, unit) in enumerate(zip(ids, units, strict=True)):
            if unit % groups != group:
                shown.append(index)
                continue
            if unit != last:
                shown.append(sentinels[used])
                target.append(sentinels[used])
                # It ends the unit before it.
                of.append(of[-1] if of else number)
                used, last = used + 1, int(unit)
            target.append(index)
            of.append(number)
        if target:
            yield SpanPass(shown, [*target, sentinels[used]], np.array([*of, of[-1]], dtype=np.int64))


def _padded(torch: Any, rows: Sequence[Sequence[int]], filler: int) -> Any:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows])
