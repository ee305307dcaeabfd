"""Embeddings of new tokens by any initializer, from arrays alone, each of which is checked before its use."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import regex
from numpy.typing import ArrayLike, NDArray

from vocabx.corpus.scripts import letter_pattern
from vocabx.errors import InitializerError
from vocabx.initializers.initializer import Initializer
from vocabx.initializers.inputs import LINE_END, InitializerInputs, Tables, TokenVectors
from vocabx.initializers.options import InitializerOptions
from vocabx.initializers.registry import find_initializer
from vocabx.initializers.trained_vectors import train_vectors
from vocabx.mixture.check_arrays import (
    LARGEST_SEED,
    as_array,
    check_count,
    check_finite,
    check_ids,
    check_matrix,
    checked_pieces,
    shown,
)
from vocabx.mixture.initialization import Initialization
from vocabx.progress import Progress, Quiet

Pieces = Mapping[bytes, Sequence[int]] | Sequence[Sequence[int]]


def initialize(
    method: str,
    embeddings: Any,
    pieces: Pieces,
    *,
    old_rows: int | None = None,
    output_embeddings: Any = None,
    tokens: Sequence[str | bytes] | None = None,
    old_tokens: Sequence[str | bytes | None] | None = None,
    vectors: TokenVectors | tuple[ArrayLike, ArrayLike] | None = None,
    text: ArrayLike | None = None,
    scripts: Sequence[str] = (),
    model: Any = None,
    copies: Mapping[int, int] | None = None,
    options: InitializerOptions | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Initialization:
    """Say how the embeddings of N new tokens are made of the V old ones, by one of `INITIALIZERS`.

    What a method does not use it ignores, so several can be given the same. `cw2v` and `bil` alone read the
    matrices here; NaN in a row of them is told when the row is mixed. A method with a rule of its own for the
    lm_head makes its rows only where there is an `output_embeddings`; to untie a tied model, pass the same
    matrix twice.

    Args:
        method: its name, as "zip-tie".
        embeddings: (at least V, D) old embedding matrix of float16, bfloat16, float32 or float64, in memory
            or memory-mapped.
        pieces: for each new token the old ids that it is tokenized into, at least one, from 0 to below V; or
            a mapping from its bytes to them, as `Extension.pieces`.
        old_rows: V; rows from V on pad the matrix and take no part. Default: all rows.
        output_embeddings: the matrix of an lm_head that is not tied, or will not be (cw2v, distill,
            first-piece).
        tokens: the N new tokens as they stand in running text (ofa, focus); those of the mapping by default.
        old_tokens: the V old ones, None for one that stands for no text (ofa, focus).
        vectors: (V, S) and (N, S) static vectors of old and new tokens in one space, float, a row of zeros
            where nothing is known (wechsel, ofa; cw2v and focus where they are given).
        text: integer ids of one dimension, from `tokenize_text` (cw2v, distill, first-piece; focus, which
            trains vectors on it).
        scripts: Unicode names of the scripts of the language, as "Han" (bil).
        model: the base itself, a transformers model that predicts the next token (distill, first-piece).
        copies: new token to the old one whose embedding it gets, whatever the method says.
        options: the method's parameters; those it uses are in `INITIALIZERS[method].settings`.
        seed: of what is drawn or trained, from 0 to 2³² - 1.
        progress: told of the stage, in tokens.

    Returns:
        The mixtures. `apply("input", embeddings)` makes the (N, D) float32 new rows, `apply("output", …)`
        those of an lm_head that is not tied, `apply("bias", …)` those of a (rows, 1) bias.

    Raises:
        InitializerError: the method is unknown or lacks something, or an array is of a wrong shape or dtype,
            is ragged, holds NaN, or an id that is out of range.
        MissingPackageError: faiss (wechsel, ofa, cw2v with vectors) or gensim (focus) is not installed.
    """
    initializer = find_initializer(method)
    if options is not None and not isinstance(options, InitializerOptions):
        raise InitializerError(f"options are a {type(options).__name__}: pass InitializerOptions(…)")
    check_count(seed, 0, LARGEST_SEED, "the seed")
    old_rows = _check_matrices(embeddings, output_embeddings, old_rows)
    if isinstance(pieces, Mapping):
        tokens = list(pieces) if tokens is None else tokens
        pieces = list(pieces.values())
    found = checked_pieces(pieces, old_rows)
    inputs = InitializerInputs(
        tokens=tuple(token or b"" for token in _token_bytes(tokens, len(found), "tokens")),
        pieces=found,
        old_rows=old_rows,
        seed=seed,
        old_tokens=_token_bytes(old_tokens, old_rows, "old_tokens"),
        copies=_checked_copies(copies or {}, len(found), old_rows),
        vectors=None if vectors is None else _checked_vectors(vectors, len(found), old_rows),
        text=None if text is None else _checked_text(text, old_rows + len(found)),
        tables=Tables(embeddings, output_embeddings),
        scripts=_checked_scripts(scripts),
        model=None if model is None else lambda: model,
        settings=options or InitializerOptions(),
    )
    _check_given(method, initializer, inputs)
    return _initialized(method, initializer, inputs, progress or Quiet())


def _initialized(
    method: str, initializer: Initializer, inputs: InitializerInputs, progress: Progress
) -> Initialization:
    """Run a method on what was checked; vectors that it needs and was not given are trained first."""
    total = len(inputs.pieces) * inputs.settings.epochs if initializer.learns else None
    with progress.stage(f"Initializing by {method}", total, "tokens") as advance:
        if initializer.vectors == "of tokens" and inputs.vectors is None and inputs.text is not None:
            inputs = replace(inputs, vectors=train_vectors(inputs, inputs.text, advance))
        return initializer(replace(inputs, advance=advance))


def _check_given(method: str, initializer: Initializer, inputs: InitializerInputs) -> None:
    if initializer.learns and inputs.text is None:
        raise InitializerError(f"{method} learns from text: pass text=tokenize_text(…)")
    if initializer.model and (inputs.model is None or inputs.text is None):
        raise InitializerError(
            f"{method} computes with the base on text: pass model, loaded by transformers, and "
            "text=tokenize_text(…)"
        )
    if inputs.vectors is not None or initializer.vectors in ("", "if available"):
        return
    if initializer.vectors != "of tokens":
        raise InitializerError(f"{method} goes by static vectors of tokens: pass vectors=(old, new)")
    if inputs.text is None:
        raise InitializerError(
            f"{method} goes by vectors of tokens: pass vectors=(old, new), or text=tokenize_text(…) to train "
            "them"
        )


def _check_matrices(embeddings: Any, output: Any, old_rows: int | None) -> int:
    """Check the matrices of a model; returns how many rows of them belong to old tokens."""
    check_matrix(embeddings, 1)
    old_rows = embeddings.shape[0] if old_rows is None else old_rows
    check_count(old_rows, 1, math.inf, "old_rows")
    check_matrix(embeddings, old_rows)
    if output is None:
        return old_rows
    check_matrix(output, old_rows)
    if output.shape[1] != embeddings.shape[1]:
        raise InitializerError(
            f"the matrices are {embeddings.shape[1]:,} and {output.shape[1]:,} wide: pass both of one model"
        )
    return old_rows


def _token_bytes(
    tokens: Sequence[str | bytes | None] | None, count: int, name: str
) -> tuple[bytes | None, ...]:
    if tokens is None:
        return (None,) * count
    if isinstance(tokens, str | bytes):
        raise InitializerError(f"{name} is a {type(tokens).__name__}: pass a list of tokens")
    if len(tokens) != count:
        raise InitializerError(f"{name} are {len(tokens):,} and not {count:,}: pass one for each token")
    found: list[bytes | None] = []
    for number, token in enumerate(tokens):
        if token is not None and not isinstance(token, str | bytes):
            raise InitializerError(f"{name}[{number}] is a {type(token).__name__}: pass strings or bytes")
        found.append(token.encode(errors="surrogatepass") if isinstance(token, str) else token)
    return tuple(found)


def _checked_scripts(scripts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(scripts, str | bytes):
        raise InitializerError(f"scripts is a {type(scripts).__name__}: pass a list of names, as ['Han']")
    for name in scripts:
        try:
            letter_pattern([name])
        except (TypeError, regex.error):
            raise InitializerError(
                f"there is no script {shown(name)}: pass names of Unicode, as Han or Latin"
            ) from None
    return tuple(scripts)


def _checked_copies(copies: Mapping[int, int], count: int, old_rows: int) -> dict[int, int]:
    for new, old in copies.items():
        check_count(new, 0, count - 1, "a new token of copies")
        check_count(old, 0, old_rows - 1, "an old token of copies")
    return {int(new): int(old) for new, old in copies.items()}


def _checked_vectors(
    vectors: TokenVectors | tuple[ArrayLike, ArrayLike], count: int, old_rows: int
) -> TokenVectors:
    if isinstance(vectors, TokenVectors):
        vectors = (vectors.source, vectors.target)
    if not isinstance(vectors, tuple | list) or len(vectors) != 2:
        raise InitializerError("vectors are no pair: pass those of the old tokens and those of the new ones")
    source, target = (
        _checked_rows(rows, tokens, name)
        for rows, tokens, name in zip(vectors, (old_rows, count), ("old", "new"), strict=True)
    )
    if source.shape[1] != target.shape[1]:
        raise InitializerError(
            f"the vectors of the old tokens are {source.shape[1]:,} wide and those of the new ones "
            f"{target.shape[1]:,}: bring them into one space first"
        )
    return TokenVectors(source, target)


def _checked_rows(rows: ArrayLike, tokens: int, name: str) -> NDArray[np.float32]:
    what = f"the vectors of the {name} tokens"
    found = as_array(rows, what)
    if found.ndim != 2 or found.shape[0] != tokens or not found.shape[1]:
        raise InitializerError(f"{what} have the shape {found.shape}: pass ({tokens:,}, S), a row for each")
    if found.dtype.kind != "f":
        raise InitializerError(f"{what} are of {found.dtype}: pass floats")
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(found, np.float32)
    check_finite(narrow, what)
    return narrow


def _checked_text(text: ArrayLike, tokens: int) -> NDArray[np.int64]:
    ids = as_array(text, "the ids of text")
    if ids.ndim != 1 or (ids.dtype.kind not in "iu" and len(ids)):
        raise InitializerError(
            f"text has the shape {ids.shape} and is of {ids.dtype}: pass integers of one dimension, as "
            "tokenize_text makes them"
        )
    ids = ids.astype(np.int64)
    check_ids(ids[ids != LINE_END], tokens, "an id of text")
    return ids
