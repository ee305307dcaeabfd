"""What is hidden from a model in training, by what it predicts, and the ids around its texts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vocabx.checkpoint.objective import Objective
from vocabx.errors import TokenizerError
from vocabx.evaluation.masked import frame_of
from vocabx.evaluation.spans import sentinels_of
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.roles import roles_of
from vocabx.training.masking import Hiding, Masked, Masking
from vocabx.training.packed import Ends
from vocabx.training.spans import SpanCorruption


@dataclass(frozen=True)
class Hidden:
    """How texts are packed for a model that fills in, and what is hidden from it.

    Attributes:
        hiding: makes inputs and labels of a packed sequence.
        ends: the ids around a text.
    """

    hiding: Hiding
    ends: Ends


def hidden_from(
    objective: Objective,
    tokenizer: FastTokenizer,
    directory: Path,
    rows: int,
    seed: int,
    kind: Masked = "words",
) -> Hidden | None:
    """What is hidden from a model; None if it predicts the next token.

    Args:
        objective: what it predicts.
        tokenizer: its tokenizer.
        directory: of the tokenizer's files.
        rows: of its embedding matrices.
        seed: of all draws.
        kind: what is hidden from an encoder.

    Raises:
        TokenizerError: the tokenizer has no mask token or no sentinels, or names no id that ends a text.
    """
    if objective == "causal":
        return None
    frame = frame_of(tokenizer, directory)
    if not frame.end:
        raise TokenizerError(
            f"{directory}: the tokenizer names no token that ends a text: name its eos_token"
        )
    ends = Ends(frame.begin[0] if frame.begin else None, frame.end[0])
    if objective == "spans":
        pad = roles_of(tokenizer, directory).get("pad", 0)
        return Hidden(SpanCorruption(sentinels_of(tokenizer, directory), ends.end, pad, seed), ends)
    drawn = np.array(sorted(index for index in tokenizer.token_bytes if index < rows), dtype=np.int64)
    around = (*frame.begin, *frame.end)
    return Hidden(Masking(kind, frame.require_mask(directory), drawn, around, seed), ends)
