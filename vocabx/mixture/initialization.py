"""How the new rows of all tables are made: what an initializer's result means for a checkpoint.

Most methods make one mixture, and every table takes it. CW2V learns a second one for an output table of its
own; OFA mixes the coordinates of factorised tables. Knows no method and no file.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vocabx.errors import InitializerError
from vocabx.mixture.check_arrays import check_count, check_matrix, shown
from vocabx.mixture.factorise import factorise
from vocabx.mixture.mixture import Float, Mixture

Which = Literal["input", "output", "bias"]


@dataclass(frozen=True)
class Initialization:
    """New rows for every table of a model.

    Attributes:
        input: for the embedding table, and for the output table that is tied to it.
        output: for an output table of its own, and for the bias of the output.
        rank: tables are factorised to this rank and their coordinates mixed; None, and the width itself,
            leave them whole.
            A bias is never factorised.

    Raises:
        InitializerError: the two make other numbers of rows, or of other old rows; or the rank is none.
    """

    input: Mixture
    output: Mixture
    rank: int | None = None

    def __post_init__(self) -> None:
        if self.input.weights.shape != self.output.weights.shape:
            raise InitializerError(
                f"the mixture of the input is {self.input.weights.shape} and that of the output "
                f"{self.output.weights.shape}: make both for the same new and old tokens"
            )
        if self.rank is not None:
            check_count(self.rank, 1, math.inf, "--rank")

    @property
    def rows(self) -> int:
        """N, the number of new rows."""
        return self.input.rows

    def blocks(self, which: Which, table: Any, size: int = 4096) -> Iterator[Float]:
        """Yield the new rows of one table, in order, `size` at a time; see `Mixture.blocks`.

        Raises:
            InitializerError: there is no such table, it cannot be mixed, or the rank does not fit it.
        """
        if which not in get_args(Which):
            raise InitializerError(f"no matrix is called {shown(which)}: pass {', '.join(get_args(Which))}")
        mixture = self.input if which == "input" else self.output
        check_matrix(table, mixture.old_rows)
        if self.rank is None or which == "bias" or self.rank == table.shape[1]:
            yield from mixture.blocks(table, size)
            return
        factors = factorise(table, self.rank, mixture.old_rows)
        for block in mixture.blocks(factors.coordinates, size):
            yield block @ factors.primitives

    def apply(self, which: Which, table: Any) -> Float:
        """Return the (N, D) float32 new rows of one table; see `blocks`."""
        blocks = list(self.blocks(which, table))
        return np.concatenate(blocks) if blocks else np.zeros((0, table.shape[1]), np.float32)

    def hull_bound(self) -> float | None:
        """`Mixture.hull_bound` of the output rows; None for factorised tables, whose rows leave the hull."""
        return None if self.rank is not None else self.output.hull_bound()

    def collisions(self) -> int:
        """Number of new input rows that equal another new row."""
        return self.input.collisions()

    def digest(self) -> str:
        """What tells this placement from others: equal digests make equal rows of equal tables."""
        return f"{self.input.digest()} {self.output.digest()} {self.rank}"

    def copying(self, copies: Mapping[int, int]) -> "Initialization":
        """Return this placement with old rows copied as they are, new row to old row."""
        return self._changed(lambda mixture: mixture.copying(copies))

    def averaging(self, rows: Sequence[int]) -> "Initialization":
        """Return this placement with some new rows the mean of the old rows; see `Mixture.averaging`."""
        return self._changed(lambda mixture: mixture.averaging(rows))

    def copied(self, which: Which) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """New rows of one table that are an old row as it is, and those old rows; see `Mixture.copied`."""
        return (self.input if which == "input" else self.output).copied()

    def mixing_draws(self, other: Mixture) -> "Initialization":
        """Return this placement with the rows that it draws mixed as `other` mixes them."""
        return self._changed(lambda mixture: mixture.mixing_draws(other))

    def followed_by_means(self, count: int) -> "Initialization":
        """Return this placement with `count` further rows that are the mean of the old rows."""
        return self._changed(lambda mixture: mixture.followed_by_means(count))

    def _changed(self, change: Callable[[Mixture], Mixture]) -> "Initialization":
        changed = change(self.input)
        # One mixture stays one: nothing is then made or kept twice.
        same = self.output is self.input
        return replace(self, input=changed, output=changed if same else change(self.output))


def everywhere(mixture: Mixture, rank: int | None = None) -> Initialization:
    """The placement that takes one mixture for every table."""
    return Initialization(mixture, mixture, rank)
