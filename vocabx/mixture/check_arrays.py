"""Arrays from outside, checked before anything is computed of them: one sentence for whatever does not fit.

A CSR matrix does not look at its column numbers when it multiplies: an id beyond the last old token would
read whatever lies in memory there. So nothing of this is left to numpy and scipy.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vocabx._util.shorten import shortened
from vocabx.errors import InitializerError

LARGEST_SEED = 2**32 - 1
_LONGEST_SHOWN = 60
# The floats of ml_dtypes, as bfloat16, are of no kind that numpy knows.
_FLOATS = ("float16", "float32", "float64", "bfloat16")


def check_matrix(matrix: Any, old_rows: int) -> None:
    """Check that an embedding matrix can be mixed; reads none of it.

    Args:
        matrix: (at least V, D) of float16, bfloat16, float32 or float64, memory-mapped or not.
        old_rows: V.

    Raises:
        InitializerError: it has another number of dimensions, another dtype, or fewer than V rows.
    """
    shape = getattr(matrix, "shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2:
        found = f"has the shape {shape}" if isinstance(shape, tuple) else f"is a {type(matrix).__name__}"
        raise InitializerError(
            f"the embedding matrix {found}: pass a numpy array of two dimensions, a row for each token"
        )
    dtype = getattr(matrix, "dtype", np.dtype(np.float32))
    if getattr(dtype, "name", "") not in _FLOATS:
        raise InitializerError(
            f"the embedding matrix is of {dtype}: pass a numpy array of {', '.join(_FLOATS[:-1])} or "
            f"{_FLOATS[-1]}"
        )
    if shape[0] < old_rows:
        raise InitializerError(
            f"the embedding matrix has {shape[0]:,} rows and the tokenizer {old_rows:,} tokens: the "
            "tokenizer belongs to another base"
        )


def check_ids(ids: NDArray[Any], limit: int, what: str) -> None:
    """Check that each of `ids` is from 0 to below `limit`.

    Args:
        ids: of any integer dtype.
        limit: one more than the highest.
        what: what an id is, as "an old token id".

    Raises:
        InitializerError: one is not; the message names the first.
    """
    if ids.dtype.kind not in "iu":
        raise InitializerError(f"{what} is of {ids.dtype}: pass integers")
    outside = (ids < 0) | (ids >= limit)
    if outside.any():
        found = ids[outside].ravel()[0]
        raise InitializerError(f"{what} is {found}: pass ids from 0 to {limit - 1:,}")


def checked_pieces(pieces: Sequence[Sequence[int]], old_rows: int) -> tuple[tuple[int, ...], ...]:
    """The pieces of each new token as plain numbers, when they are old tokens.

    Args:
        pieces: for each new token a sequence of integers, or an array of them.
        old_rows: V.

    Raises:
        InitializerError: a token has none, they are no integers, or one is not from 0 to below V.
    """
    if isinstance(pieces, str | bytes) or not isinstance(pieces, Iterable):
        raise InitializerError(f"the pieces are a {type(pieces).__name__}: pass a list of ids for each token")
    ids, lengths = checked_ids(pieces, old_rows, "new token")
    if not lengths.all():
        raise InitializerError(f"new token {np.argmin(lengths)} has no pieces: pass an old token id or more")
    numbers, ends = ids.tolist(), np.cumsum(lengths).tolist()
    return tuple(tuple(numbers[end - size : end]) for end, size in zip(ends, lengths.tolist(), strict=True))


def checked_ids(rows: Iterable[Any], old_rows: int, what: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The old ids that each new row is made of, all after each other, and how many each has; both int64.

    Args:
        rows: for each new row a sequence of integers, or an array of them.
        old_rows: V.
        what: what a row is, as "new token".

    Raises:
        InitializerError: they are no integers, or one is not from 0 to below V.
    """
    parts = [np.zeros(0, np.int64)]
    for number, row in enumerate(rows):
        ids = as_array(row, f"the pieces of {what} {number}")
        if ids.shape == (0,):
            parts.append(parts[0])
            continue
        if ids.ndim != 1 or ids.dtype.kind not in "iu":
            raise InitializerError(
                f"the pieces of {what} {number} are no list of integers: pass old token ids"
            )
        if ids.dtype == np.uint64:
            # Half of these are negative as int64.
            check_ids(ids, old_rows, f"a piece of {what} {number}")
        parts.append(ids.astype(np.int64, copy=False))
    lengths = np.array([len(part) for part in parts[1:]], np.int64)
    flat = np.concatenate(parts)
    outside = (flat < 0) | (flat >= old_rows)
    if outside.any():
        first = np.searchsorted(np.cumsum(lengths), np.argmax(outside), "right")
        check_ids(flat[outside], old_rows, f"a piece of {what} {first}")
    return flat, lengths


def checked_weights(rows: Iterable[Any], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weights of the old ids of each new row, all after each other, float64.

    Args:
        rows: for each new row a sequence or an array of numbers.
        lengths: how many each must have.

    Raises:
        InitializerError: they are no finite numbers, or not as many.
    """
    parts = [np.zeros(0)]
    for number, (row, length) in enumerate(zip(rows, lengths.tolist(), strict=True)):
        weights = as_array(row, f"the weights of new row {number}")
        if weights.shape != (length,) or weights.dtype.kind not in "fiu":
            raise InitializerError(
                f"the weights of new row {number} are not {length:,} numbers: pass one for each old token id"
            )
        parts.append(weights.astype(np.float64, copy=False))
    flat = np.concatenate(parts)
    check_finite(flat, "the weights")
    return flat


def as_array(values: Any, what: str) -> NDArray[Any]:
    """What numpy makes of `values`.

    Raises:
        InitializerError: it makes nothing of them, as of rows of several lengths.
    """
    try:
        return np.asarray(values)
    except (TypeError, ValueError, OverflowError):
        raise InitializerError(f"{what} are no array: pass rows of one length") from None


def check_finite(values: NDArray[Any], what: str) -> None:
    """Check that `values` are numbers.

    Raises:
        InitializerError: one is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise InitializerError(f"{what} hold NaN or infinity: pass finite numbers")


def check_count(number: Any, least: int, most: float, what: str) -> None:
    """Check that `number` is an integer in a range.

    Raises:
        InitializerError: it is not.
    """
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or not least <= number <= most:
        upper = " on" if most == float("inf") else f" to {most:,}"
        raise InitializerError(f"{what} is {shown(number)}: pass a whole number from {least:,}{upper}")


def shown(value: Any) -> str:
    """A value as a message has room for it: on one line, of 60 characters at most."""
    return shortened(" ".join(ascii(value).split()), _LONGEST_SHOWN)


def check_weights(weights: Any) -> None:
    """Check that `weights` are the (N, V) weights of a mixture, as `Mixture` says.

    Raises:
        InitializerError: they are no CSR matrix of float64 whose ids are old tokens, ascending, each once.
    """
    if not isinstance(weights, sparse.csr_array) or weights.dtype != np.float64:
        raise InitializerError(f"the weights are {_kind(weights)}: pass a scipy.sparse.csr_array of float64")
    if len(weights.shape) != 2 or not weights.shape[1]:
        raise InitializerError(
            f"the weights have the shape {weights.shape}: pass (N, V), V the number of old tokens"
        )
    check_ids(weights.indices, weights.shape[1], "an old token id")
    try:
        weights.check_format(full_check=True)
    except ValueError as error:
        raise InitializerError(
            f"the weights are no sound CSR matrix: {shown(str(error))}; make them with from_rows"
        ) from None
    if not weights.has_canonical_format:
        raise InitializerError("the ids of a row are not ascending, or one is there twice: use from_rows")
    check_finite(weights.data, "the weights")


def check_vector(values: Any, dtype: type, what: str) -> None:
    """Check that `values` are an array of one dimension and of `dtype`.

    Raises:
        InitializerError: they are not.
    """
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype != dtype:
        raise InitializerError(
            f"{what} are {_kind(values)}: pass an array of one dimension of {np.dtype(dtype)}"
        )


def check_shift(shift: Any, rows: int) -> None:
    """Check that `shift` is something to add to each of `rows` new rows.

    Raises:
        InitializerError: it is no finite array of float32 of two dimensions with as many rows.
    """
    if not isinstance(shift, np.ndarray) or shift.ndim != 2 or shift.dtype != np.float32:
        raise InitializerError(f"the shift is {_kind(shift)}: pass an array of two dimensions of float32")
    if len(shift) != rows:
        raise InitializerError(
            f"there are {len(shift):,} rows of the shift and {rows:,} new rows: pass one for each"
        )
    check_finite(shift, "the rows of the shift")


def check_width(shift: NDArray[np.float32], table: Any) -> None:
    """Check that a shift can be added to rows of `table`.

    Raises:
        InitializerError: they differ in width.
    """
    if shift.shape[1] != table.shape[1]:
        raise InitializerError(
            f"the shift is {shift.shape[1]:,} wide and the embedding matrix {table.shape[1]:,}: apply it to "
            "the matrix that it was made for"
        )


def _kind(value: Any) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ if dtype is None else f"{type(value).__name__} of {dtype}"
