"""The arithmetic of a merge, one matrix at a time: computed in float32, cast once to the stored dtype."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.commands.merge.adapters import LowRank
from vocabx.errors import TrainingError

# Rows held in float32 at a time.
BLOCK = 4096


def added(weight: NDArray[Any], adapter: LowRank | None, dtype: Any, name: str) -> Iterator[NDArray[Any]]:
    """W + scale · left @ right, in blocks of rows.

    The sum is computed in float32, or in float64 for a float64 weight. Without an adapter, W alone.

    Args:
        weight: (R, C), of any float dtype.
        adapter: an adapter of the same shape, or None.
        dtype: numpy dtype of the blocks.
        name: name of the tensor, for messages.

    Raises:
        TrainingError: if a number is NaN or Inf, or too large for `dtype`.
    """
    for start in range(0, len(weight), BLOCK):
        block = _wide(weight[start : start + BLOCK])
        if adapter is not None:
            block += adapter.scale * (adapter.left[start : start + BLOCK] @ adapter.right)
        yield cast(block, dtype, name)


def cast(rows: NDArray[Any], dtype: Any, name: str) -> NDArray[Any]:
    """Trained numbers cast to the stored dtype, rounded once.

    Raises:
        TrainingError: if a number is NaN or Inf, or too large for `dtype`.
    """
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(rows.astype(dtype))
    if not np.isfinite(result.astype(np.float32)).all():
        raise TrainingError(
            f"after training, {name} holds NaN or numbers too large for {np.dtype(dtype).name}: train again "
            "with a lower --learning-rate, or from an earlier checkpoint"
        )
    return result


def _wide(rows: NDArray[Any]) -> NDArray[Any]:
    """A copy in float32, or in float64 if the input is float64."""
    return np.array(rows, dtype=np.float64 if rows.dtype == np.float64 else np.float32)
