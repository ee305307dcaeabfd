"""What an initializer is given: tokens, and what is known of them. No model, no file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.initializers.options import InitializerOptions

LINE_END = -1
"""What stands between two lines in `InitializerInputs.text`."""


@dataclass(frozen=True)
class TokenVectors:
    """Static vectors of old and new tokens in one space; a row of zeros where nothing is known.

    Attributes:
        source: (V, S) float32, of the old tokens.
        target: (N, S) float32, of the new tokens.
    """

    source: NDArray[np.float32]
    target: NDArray[np.float32]


@dataclass(frozen=True)
class Tables:
    """The old tables themselves, for the one method that has to see them.

    Attributes:
        input: (at least V, D) the embedding table, memory-mapped or not.
        output: the table of the output layer, or None where it is the same.
    """

    input: Any
    output: Any | None = None


@dataclass(frozen=True)
class InitializerInputs:
    """New tokens to place among old rows.

    Attributes:
        tokens: the bytes of each new token, in id order.
        pieces: for each new token, the old ids that the base cuts it into, in order; never empty.
        old_rows: V, number of old rows that belong to tokens; rows that pad the table behind them are no
            part of any statistic.
        seed: for initializers that draw.
        old_tokens: the bytes of each old token, None for those that stand for no text; empty where no
            initializer asks.
        copies: new rows that must be an old row, by row: special tokens that both vocabularies have.
        vectors: static vectors of the tokens, for the methods that ask for them.
        text: int64, text cut by the new tokenizer: old ids as they are, V + i for the new row i, and
            `LINE_END` between lines.
        tables: the old tables.
        settings: what the user may choose.
        advance: called with new tokens done, by methods that take long.
    """

    tokens: tuple[bytes, ...]
    pieces: tuple[tuple[int, ...], ...]
    old_rows: int
    seed: int
    old_tokens: tuple[bytes | None, ...] = ()
    copies: Mapping[int, int] = field(default_factory=dict)
    vectors: TokenVectors | None = None
    text: NDArray[np.int64] | None = None
    tables: Tables | None = None
    settings: InitializerOptions = field(default_factory=InitializerOptions)
    advance: Callable[[float], None] = field(default=lambda done: None, repr=False)


def token_vectors(inputs: InitializerInputs) -> TokenVectors:
    """The vectors of `problem`.

    Raises:
        InitializerError: it has none.
    """
    if inputs.vectors is None:
        raise InitializerError(
            "this initializer places tokens by static vectors, and there are none: set InitializerInputs.vectors"
        )
    return inputs.vectors
