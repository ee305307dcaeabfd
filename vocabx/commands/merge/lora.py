"""The arithmetic of a merge, one matrix at a time: in float32, cast once to what is stored.

Knows nothing of files or methods.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.commands.merge.adapters import LowRank
from vocabx.errors import TrainingError

# Rows in float32 at one time.
BLOCK = 4096


def added(weight: NDArray[Any], adapter: LowRank | None, dtype: Any, name: str) -> Iterator[NDArray[Any]]:
    """W + scale · left @ right, in blocks of rows.

    The sum is in float32, or in float64 for a weight that is stored so. Where there is no adapter, W alone.

    Args:
        weight: (R, C), of any float dtype.
        adapter: of its shape, or None.
        dtype: numpy's, of what is yielded.
        name: of the tensor, for messages.

    Raises:
        TrainingError: a number is too large for `dtype`, or none.
    """
    for start in range(0, len(weight), BLOCK):
        block = _wide(weight[start : start + BLOCK])
        if adapter is not None:
            block += adapter.scale * (adapter.left[start : start + BLOCK] @ adapter.right)
        yield cast(block, dtype, name)


def cast(rows: NDArray[Any], dtype: Any, name: str) -> NDArray[Any]:
    """Trained numbers in the dtype that is stored, rounded once.

    Raises:
        TrainingError: a number is too large for `dtype`, or none.
    """
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(rows.astype(dtype))
    if not np.isfinite(result.astype(np.float32)).all():
        raise TrainingError(
            f"{name} holds numbers after training that {np.dtype(dtype).name} cannot: train again with a "
            "lower --learning-rate, or from an earlier checkpoint"
        )
    return result


def _wide(rows: NDArray[Any]) -> NDArray[Any]:
    """A copy in float32, or in float64 where that is what came."""
    return np.array(rows, dtype=np.float64 if rows.dtype == np.float64 else np.float32)
