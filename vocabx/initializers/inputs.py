"""The inputs of an initializer: tokens, and what is known about them. Independent of models and files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.initializers.options import InitializerOptions
from vocabx.progress import Advance

LINE_END = -1
"""What stands between two lines in `InitializerInputs.text`."""


@dataclass(frozen=True)
class TokenVectors:
    """Static vectors of old and new tokens in one space; rows of zeros for unknown tokens.

    Attributes:
        source: (V, S) float32, of the old tokens.
        target: (N, S) float32, of the new tokens.
    """

    source: NDArray[np.float32]
    target: NDArray[np.float32]


@dataclass(frozen=True)
class Tables:
    """The old embedding matrices, for methods that need them.

    Attributes:
        input: (at least V, D), the input embeddings, memory-mapped or not.
        output: (at least V, D), the lm_head, or None if the result's is tied. Where a tied base is untied, it
            is the same matrix as `input`.
    """

    input: Any
    output: Any | None = None


@dataclass(frozen=True)
class InitializerInputs:
    """New tokens to initialize from old rows.

    Attributes:
        tokens: the bytes of each new token, in id order.
        pieces: for each new token, the old ids of its text, in order; never empty.
        old_rows: V, the number of old rows that belong to tokens; padding rows after them are part of no
            statistic.
        seed: for initializers that sample.
        old_tokens: the bytes of each old token, None for those that stand for no text; empty if no
            initializer needs them.
        copies: new rows that must be copies of an old row, new row to old row: shared special tokens.
        vectors: static vectors of the tokens, for methods that use them.
        text: int64, text tokenized by the new tokenizer: old ids unchanged, V + i for the new row i, and
            `LINE_END` between lines.
        tables: the old embedding matrices.
        scripts: Unicode names of the scripts of the language, for methods that compare tokens by them.
        model: loads the base as a transformers model that predicts the next token, for methods that compute
            with it; each call may load it anew.
        settings: the user's options.
        advance: called with the number of new tokens done, by slow methods.
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
    scripts: tuple[str, ...] = ()
    model: Callable[[], Any] | None = field(default=None, repr=False)
    settings: InitializerOptions = field(default_factory=InitializerOptions)
    advance: Advance = field(default=lambda done: None, repr=False)


def token_vectors(inputs: InitializerInputs) -> TokenVectors:
    """The vectors of `inputs`.

    Raises:
        InitializerError: there are none.
    """
    if inputs.vectors is None:
        raise InitializerError(
            "this initializer needs static vectors, but there are none: set InitializerInputs.vectors"
        )
    return inputs.vectors


def old_tables(inputs: InitializerInputs) -> Tables:
    """The embedding matrices of `inputs`.

    Raises:
        InitializerError: there are none.
    """
    if inputs.tables is None:
        raise InitializerError(
            "this initializer reads the embedding matrices, but there are none: set InitializerInputs.tables"
        )
    return inputs.tables


def learning_text(inputs: InitializerInputs) -> NDArray[np.int64]:
    """The text of `inputs`.

    Raises:
        InitializerError: there is none, or it is empty.
    """
    if inputs.text is None or not (inputs.text != LINE_END).any():
        raise InitializerError(
            "this initializer learns from text in the language, but there is none: pass some with --corpus, "
            "or set InitializerInputs.text"
        )
    return inputs.text


def base_model(inputs: InitializerInputs) -> Any:
    """The base as a transformers model, loaded by `inputs.model`.

    Raises:
        InitializerError: there is nothing that loads it, or it predicts no next token.
    """
    if inputs.model is None:
        raise InitializerError(
            "this initializer computes with the base model, but there is none: set InitializerInputs.model"
        )
    model = inputs.model()
    if getattr(model, "get_output_embeddings", lambda: None)() is None:
        raise InitializerError(
            f"a {type(model).__name__} has no lm_head: pass a transformers model that predicts the next token"
        )
    return model
