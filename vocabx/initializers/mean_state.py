"""The mean last hidden state of the base over a sample of text: what its lm_head is multiplied with."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.checkpoint.special_ids import begin_id
from vocabx.errors import InitializerError

# Ids of a sequence at most, and of the whole sample at least, where there is as much text.
LONGEST, SAMPLE = 512, 4096


@dataclass(frozen=True)
class MeanState:
    """The mean last hidden state of a model.

    Attributes:
        state: (D,) float64, the mean of the inputs of the lm_head.
        scale: the factor by which the model multiplies the lm_head's product to get its logits; 1 for most.
    """

    state: NDArray[np.float64]
    scale: float


def mean_state(model: Any, lines: Sequence[NDArray[np.int64]]) -> MeanState:
    """The mean state over lines that are evenly spread over the text, `SAMPLE` ids or a little more in all.

    Each line is read on its own, after the id that begins a text. The state at that id is left out: it is the
    same before every line.

    Args:
        model: a transformers model that predicts the next token, on any device; its dtype is kept.
        lines: ids of the base's tokens, none empty.

    Raises:
        InitializerError: the states hold NaN or infinity, or are all zero.
        MissingPackageError: torch is not installed.
    """
    total, count, plain_square, product = 0.0, 0, 0.0, 0.0
    for found in last_states(model, sample_of(lines, SAMPLE)):
        total = total + found.states[1:].sum(axis=0)
        count += len(found.states) - 1
        plain_square += float(found.plain @ found.plain)
        product += float(found.plain @ found.logits)
    state = np.asarray(total, np.float64) / max(1, count)
    scale = product / plain_square if plain_square else 1.0
    if not (np.isfinite(state).all() and np.isfinite(scale) and state.any()):
        raise InitializerError(
            "the base's last hidden states hold NaN or infinity, or are zero: the base is damaged"
        )
    return MeanState(state, scale)


@dataclass(frozen=True)
class LastStates:
    """What a model computes of one line.

    Attributes:
        states: (n + 1, D) float64, the inputs of the lm_head, the first of which follows the begin id.
        plain, logits: float64, the lm_head's product with the last of them, and the logits made of it.
    """

    states: NDArray[np.float64]
    plain: NDArray[np.float64]
    logits: NDArray[np.float64]


def last_states(model: Any, lines: Iterable[NDArray[np.int64]]) -> Iterator[LastStates]:
    """The last hidden states of each line, read on its own after the id that begins a text.

    Raises:
        MissingPackageError: torch is not installed.
    """
    torch, head = need("torch", "evaluate"), model.get_output_embeddings()
    begin, training = begin_id(model.config), model.training
    caught: list[Any] = []

    def catch(_: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        caught.append(given[0])
        # One position of logits is enough, and all of them would be as wide as the vocabulary.
        return (given[0][:, -1:], *given[1:])

    model.eval()
    hook = head.register_forward_pre_hook(catch)
    try:
        with torch.inference_mode():
            for line in lines:
                caught.clear()
                ids = torch.tensor([[begin, *line.tolist()]], device=model.device)
                logits = model(input_ids=ids, use_cache=False).logits[0, -1].double()
                states = caught[0][0]
                plain = head(states[None, -1:])[0, -1].double()
                yield LastStates(*(part.cpu().numpy() for part in (states.double(), plain, logits)))
    finally:
        hook.remove()
        model.train(training)


def sample_of(lines: Sequence[NDArray[np.int64]], size: int) -> Sequence[NDArray[np.int64]]:
    """Every n-th line, shortened to `LONGEST` ids, so that they hold `size` ids or somewhat more."""
    short = [line[:LONGEST] for line in lines]
    return short[:: max(1, sum(map(len, short)) // size)]
