"""New rows that are sampled from a normal distribution around the old rows."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.mixture.check_arrays import LARGEST_SEED, check_count, check_vector, shown
from vocabx.mixture.statistics import covariance_of, square_root, variance_of


@dataclass(frozen=True)
class Draws:
    """Rows sampled from a normal distribution fitted to the old rows.

    New row i is always the i-th row of the random stream, whichever other rows are sampled. So the result is
    the same as in the reference code of WECHSEL and OFA, which samples the whole matrix at once.

    Attributes:
        rows: int64, the new rows that are sampled, ascending.
        covariance: "diagonal" samples each dimension from N(mean, std); "full" samples rows from
            N(mean, scale * covariance). Both are population statistics over the old rows.
        scale: factor of the covariance, at least 0.
        seed: of numpy's RandomState, whose stream numpy guarantees never to change; from 0 to 2³² - 1.

    Raises:
        InitializerError: a value is of another kind or out of range.
    """

    rows: NDArray[np.int64]
    covariance: Literal["diagonal", "full"]
    scale: float
    seed: int

    def __post_init__(self) -> None:
        check_vector(self.rows, np.int64, "the rows that are drawn")
        if (np.diff(self.rows) <= 0).any():
            raise InitializerError("the rows that are drawn are not ascending: sort them, each once")
        if self.covariance not in ("diagonal", "full"):
            raise InitializerError(
                f"the covariance of draws is {shown(self.covariance)}: pass diagonal or full"
            )
        if not (isinstance(self.scale, int | float | np.floating) and 0 <= self.scale < math.inf):
            raise InitializerError(
                f"the scale of draws is {shown(self.scale)}: pass a finite number of at least 0"
            )
        check_count(self.seed, 0, LARGEST_SEED, "the seed")

    def sampler(
        self, table: Any, old_rows: int, mean: NDArray[np.float64]
    ) -> Callable[[int], NDArray[np.float64]]:
        """A function that samples the next n rows, (n, D), whatever the sizes of the blocks before.

        Args:
            table: embedding matrix, (at least V, D).
            old_rows: V.
            mean: (D,) of its first V rows.
        """
        random = np.random.RandomState(self.seed)
        if self.covariance == "diagonal":
            std = np.sqrt(self.scale * variance_of(table, old_rows, mean))
            return lambda count: mean + random.standard_normal((count, len(mean))) * std
        root = square_root(self.scale * covariance_of(table, old_rows, mean))
        return lambda count: mean + random.standard_normal((count, len(mean))) @ root
