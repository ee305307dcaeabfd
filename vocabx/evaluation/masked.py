"""Masked bits per byte: how well an encoder fills in what is hidden from it, comparable between tokenizers.

A text is divided into units (words, see `units`). One unit in seven is hidden at a time, evenly spaced, until
each has been hidden once, so that about the share is hidden that encoders are trained with. The tokens of a
hidden unit are predicted from left to right: each is masked together with those after it in its unit, and
those before it are shown. By the chain rule that gives log p(unit | all text that is not hidden), whatever
the tokens are, and

    masked bits per byte = -Σ log2 p(unit | text without the hidden units) / UTF-8 bytes of the units.

This is the pseudo-log-likelihood "PLL-word-l2r" of Kauf & Ivanova (2023, arXiv 2305.10588), which hides one
word at a time and has one pass for each token; several words at a time are ours. It is no likelihood of the
text, and not comparable with the bits per byte of a model that predicts the next token. An unknown token does
not say which text it stands for: to its own bits come 8 for each byte of that text.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.errors import TokenizerError
from vocabx.evaluation.bits_per_byte import START_BYTES, Score, Scorer, label_nats
from vocabx.evaluation.lm_head import head_inputs, is_plain
from vocabx.evaluation.units import Encoded, Ints, Units, character_bytes, encoded
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.roles import roles_of, stand_in

# One unit in so many is hidden at a time: 14 %, and 15 % of tokens are in training.
GROUPS = 7
# How often a text is read to be scored, about: a word has some four tokens at most [inferred].
PASSES = 4 * GROUPS
# Tokens of a forward pass, and positions whose logits are in memory at once.
_TOKENS, _LOGIT_ROWS = 4096, 256


@dataclass(frozen=True)
class Frame:
    """The special ids of a model that reads a whole text.

    Attributes:
        begin, end: the ids before and after a text; of no or one id each.
        mask: the id that stands for a hidden token, None if the tokenizer has none.
    """

    begin: tuple[int, ...]
    end: tuple[int, ...]
    mask: int | None

    def require_mask(self, where: object) -> int:
        """The id of the mask token.

        Raises:
            TokenizerError: there is none.
        """
        if self.mask is None:
            raise TokenizerError(
                f"{where}: the tokenizer has no mask token, which an encoder is trained and measured with: "
                "name one as mask_token in tokenizer_config.json"
            )
        return self.mask


def frame_of(tokenizer: FastTokenizer, directory: Path) -> Frame:
    """The special ids around a text, by the tokenizer's template, else by their roles.

    Args:
        tokenizer: the tokenizer.
        directory: of its files.

    Raises:
        TokenizerError: its tokenizer_config.json or special_tokens_map.json is damaged.
    """
    roles = roles_of(tokenizer, directory)
    around = tuple(tokenizer.rust.encode("", add_special_tokens=True).ids)
    if len(around) == 2:
        return Frame(around[:1], around[1:], roles.get("mask"))
    begin, end = stand_in(roles, "cls"), stand_in(roles, "sep")
    if len(around) == 1:
        # T5 only ends a text.
        begin, end = (None, end) if around[0] == end else (begin, None)
    before, after = (() if index is None else (index,) for index in (begin, end))
    return Frame(before, after, roles.get("mask"))


@dataclass(frozen=True)
class MaskedScorer:
    """Scores passages under an encoder.

    Attributes:
        tokenizer: its tokenizer.
        frame: the special ids around a text.
        units: of each passage that may be scored, see `common_units`.
    """

    tokenizer: FastTokenizer
    frame: Frame
    units: Mapping[str, Units]

    def scores(
        self, model: Any, texts: Sequence[Sequence[str]], advance: Advance = lambda done: None
    ) -> list[Score]:
        """Masked bits per byte of each group of passages under a loaded model, on its own device.

        The `start` of a score is that of the units within the first 1,000 bytes of each passage.
        """
        return [group_score(self, model, group, advance) for group in texts]

    def losses(self, model: Any, passages: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
        """The ids of each passage, and -log p of each in nats."""
        model.eval()
        plain = is_plain(model, {"input_ids": _row(model, [*range(8)])})
        for text, tokens in zip(passages, encoded(self.tokenizer, passages), strict=True):
            losses = self._losses(model, plain, tokens, self.units[text])
            yield tokens.ids, losses + unknown_nats(self.tokenizer, text, tokens)

    def _losses(self, model: Any, plain: bool, tokens: Encoded, units: Units) -> NDArray[np.float64]:
        torch, found = need("torch", "evaluate"), np.zeros(len(tokens.ids))
        if not tokens.ids:
            return found
        passes = list(hidden_passes(units.of_tokens(tokens.offsets)))
        framed = [*self.frame.begin, *tokens.ids, *self.frame.end]
        first, mask = len(self.frame.begin), self.frame.require_mask("the model")
        at_once = max(1, _TOKENS // len(framed))
        for start in range(0, len(passes), at_once):
            chosen = passes[start : start + at_once]
            rows = _row(model, framed).repeat(len(chosen), 1)
            where = np.concatenate([asked for _, asked in chosen])
            row = np.repeat(np.arange(len(chosen)), [len(asked) for _, asked in chosen])
            for n, (hidden, _) in enumerate(chosen):
                rows[n, torch.from_numpy(hidden + first).to(rows.device)] = mask
            wanted = torch.tensor([tokens.ids[index] for index in where], device=rows.device)
            found[where] = _nats(torch, model, plain, rows, (row, where + first), wanted)
        return found


def hidden_passes(units: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Which tokens each pass over a text hides, and which of them it predicts.

    Args:
        units: the unit of each token.

    Yields:
        Numbers of tokens; over all passes each is predicted once.
    """
    first = np.r_[True, units[1:] != units[:-1]]
    number = np.cumsum(first) - 1
    inside = np.arange(len(units)) - np.flatnonzero(first)[number]
    for group in range(GROUPS):
        mine = units % GROUPS == group
        for step in range(int(inside[mine].max(initial=-1)) + 1):
            yield np.flatnonzero(mine & (inside >= step)), np.flatnonzero(mine & (inside == step))


class HiddenScorer(Scorer, Protocol):
    """A scorer of what is hidden from a model in units."""

    @property
    def tokenizer(self) -> FastTokenizer:
        """The tokenizer of the model."""

    @property
    def units(self) -> Mapping[str, Units]:
        """The units of each passage."""


def group_score(scorer: HiddenScorer, model: Any, group: Sequence[str], advance: Advance) -> Score:
    """The score of a group of passages, from the losses of their tokens."""
    nats, size = np.zeros(2), np.zeros(2)
    tokens = encoded(scorer.tokenizer, group)
    for text, one, (_, losses) in zip(group, tokens, scorer.losses(model, group), strict=True):
        nats_start, size_start = measured(text, scorer.units[text], one, losses)
        nats += nats_start
        size += size_start
        advance(len(text.encode()))
    whole, start = nats / math.log(2) / np.maximum(1, size)
    return Score(float(whole), float(start))


def measured(
    text: str, units: Units, tokens: Encoded, losses: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nats and bytes of a text: of all of it, and of the units in its first 1,000 bytes."""
    sizes, of_tokens = units.bytes(text), units.of_tokens(tokens.offsets)
    start = np.cumsum(sizes) <= START_BYTES
    nats = np.array([losses.sum(), losses[start[of_tokens]].sum()])
    return nats, np.array([sizes.sum(), sizes[start].sum()], dtype=np.float64)


def unknown_nats(tokenizer: FastTokenizer, text: str, tokens: Encoded) -> NDArray[np.float64]:
    """What it costs to say what each unknown token stands for, 8 bits a byte; 0 for other tokens."""
    found = np.zeros(len(tokens.ids))
    if tokenizer.unknown_id is None or tokenizer.unknown_id not in tokens.ids:
        return found
    before = np.concatenate([[0], np.cumsum(character_bytes(text))])
    for number, (index, (start, end)) in enumerate(zip(tokens.ids, tokens.offsets, strict=True)):
        if index == tokenizer.unknown_id:
            found[number] = 8 * math.log(2) * (before[end] - before[start])
    return found


def _row(model: Any, ids: Sequence[int]) -> Any:
    return need("torch", "evaluate").tensor([list(ids)], device=model.device)


def _nats(
    torch: Any, model: Any, plain: bool, rows: Any, where: tuple[Ints, Ints], wanted: Any
) -> NDArray[np.float64]:
    """-log p in nats of ids at some positions of the rows."""
    index = tuple(torch.from_numpy(part).to(rows.device) for part in where)
    with torch.inference_mode():
        source = head_inputs(model, {"input_ids": rows}) if plain else model(input_ids=rows).logits
    return logit_nats(torch, model, plain, source[index], wanted)


def logit_nats(torch: Any, model: Any, plain: bool, states: Any, wanted: Any) -> NDArray[np.float64]:
    """-log p in nats of each id; logits are computed for a block of positions at a time.

    Args:
        torch: the library.
        model: the model.
        plain: whether `states` are inputs of its lm_head; else they are logits.
        states: (n, D) or (n, V).
        wanted: (n,), the ids.
    """
    found = [np.zeros(0)]
    with torch.inference_mode():
        for part, labels in zip(
            torch.split(states, _LOGIT_ROWS), torch.split(wanted, _LOGIT_ROWS), strict=True
        ):
            logits = model.get_output_embeddings()(part) if plain else part
            found.append(label_nats(torch, logits, labels))
    return np.concatenate(found)
