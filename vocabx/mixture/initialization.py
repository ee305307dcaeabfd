"""How the new rows of all embedding matrices of a model are computed: an initializer's result.

Most initializers give one mixture for all matrices. Some have another rule for an untied lm_head than for the
input embeddings; CW2V learns a second mixture for it. OFA mixes the coordinates of factorized matrices.
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

Which = Literal["input", "output", "bias", "lookup", "choice"]


@dataclass(frozen=True)
class Initialization:
    """New rows for every embedding matrix of a model.

    Attributes:
        input: for the input embeddings, and for an lm_head that is tied to them.
        output: for an untied lm_head, and for the output bias. Its shift belongs to the lm_head alone: a
            bias, of width 1, gets the weights without it.
            A further matrix that is looked up by token id ("lookup") gets those of the input without its
            shift. A table of integers ("choice"), which cannot be mixed, gets for each new token the row of
            the old token with the largest weight in the input.
        rank: factorize the matrices to this rank and mix their coordinates; with None, or the full width,
            they are not factorized. A bias never is.

    Raises:
        InitializerError: the two have different numbers of rows or of old rows, the rank is invalid, or there
            is a rank and a shift, which are no coordinates.
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
            if self.input.shift is not None or self.output.shift is not None:
                raise InitializerError(
                    "a shift cannot be added to rows of a lower rank: leave out --rank, or the shift"
                )

    @property
    def rows(self) -> int:
        """N, the number of new rows."""
        return self.input.rows

    @property
    def differs(self) -> bool:
        """Whether an untied lm_head gets rows that are made in another way than those of the input."""
        return self.output is not self.input and self.output.digest() != self.input.digest()

    def tied(self) -> "Initialization":
        """Return the initialization of matrices that are tied: the rule of the input for all of them."""
        return self if self.output is self.input else replace(self, output=self.input)

    def blocks(self, which: Which, table: Any, size: int = 4096) -> Iterator[NDArray[Any]]:
        """Yield the new rows of one matrix, in order, `size` at a time; see `Mixture.blocks`.

        Raises:
            InitializerError: there is no such matrix, it cannot be mixed, or the rank does not fit it.
        """
        if which not in get_args(Which):
            raise InitializerError(f"no matrix is called {shown(which)}: pass {', '.join(get_args(Which))}")
        if which == "choice":
            chosen = self.input.strongest()
            yield from (table[chosen[start : start + size]] for start in range(0, len(chosen), size))
            return
        mixture = self._mixture(which)
        check_matrix(table, mixture.old_rows)
        if self.rank is None or which in ("bias", "lookup") or self.rank == table.shape[1]:
            yield from mixture.blocks(table, size)
            return
        factors = factorise(table, self.rank, mixture.old_rows)
        for block in mixture.blocks(factors.coordinates, size):
            yield block @ factors.primitives

    def apply(self, which: Which, table: Any) -> Float:
        """Return the (N, D) float32 new rows of one matrix; see `blocks`."""
        blocks = list(self.blocks(which, table))
        return np.concatenate(blocks) if blocks else np.zeros((0, table.shape[1]), np.float32)

    def hull_bound(self) -> float | None:
        """`Mixture.hull_bound` of the output rows; None with a rank, because then rows may leave the hull."""
        return None if self.rank is not None else self.output.hull_bound()

    def collisions(self) -> int:
        """The number of new input rows that equal another new row."""
        return self.input.collisions()

    def digest(self) -> str:
        """A digest of this initialization: equal digests give equal new rows for equal matrices."""
        return f"{self.input.digest()} {self.output.digest()} {self.rank}"

    def of_directions(self, table: Any) -> "Initialization":
        """Return this initialization for input embeddings that the model normalizes: see `Mixture`.

        The lm_head's rule stays.
        """
        return replace(self, input=self.input.of_directions(table))

    def copying(self, copies: Mapping[int, int]) -> "Initialization":
        """Return this initialization with old rows copied unchanged, given as new row to old row."""
        return self._changed(lambda mixture: mixture.copying(copies))

    def averaging(self, rows: Sequence[int]) -> "Initialization":
        """Return this initialization with the mean of the old rows for some new rows; see `Mixture`."""
        return self._changed(lambda mixture: mixture.averaging(rows))

    def copied(self, which: Which) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The new rows of one matrix that are copies, and their old rows; see `Mixture.copied`."""
        return self._mixture(which).copied()

    def folding(self, rows: int) -> "Initialization":
        """Return this initialization for a matrix of only `rows` old rows; see `Mixture.folding`."""
        return self._changed(lambda mixture: mixture.folding(rows))

    def mixing_draws(self, other: Mixture) -> "Initialization":
        """Return this initialization with sampled rows replaced by those of `other`."""
        return self._changed(lambda mixture: mixture.mixing_draws(other))

    def preceded_by_means(self, count: int) -> "Initialization":
        """Return this initialization with `count` further rows before its own, the mean of the old rows."""
        return self._changed(lambda mixture: mixture.preceded_by_means(count)) if count else self

    def followed_by_means(self, count: int) -> "Initialization":
        """Return this initialization with `count` further rows that are the mean of the old rows."""
        return self._changed(lambda mixture: mixture.followed_by_means(count))

    def shifting_last_outputs(self, count: int, shift: NDArray[np.float32]) -> "Initialization":
        """Return this initialization with `shift` (D,) added to the last `count` rows of the lm_head.

        Where input and output share a mixture, input rows are shifted, too; those of ids without a token are
        never read.
        """
        return self._changed(lambda mixture: mixture.shifting_last(count, shift), outputs=True)

    def _mixture(self, which: Which) -> Mixture:
        if which == "bias":
            return self.output.shifting(None)
        if which in ("lookup", "choice"):
            return self.input.shifting(None)
        return self.input if which == "input" else self.output

    def _changed(self, change: Callable[[Mixture], Mixture], outputs: bool = False) -> "Initialization":
        """This initialization with changed mixtures; where there are two and `outputs`, only that one."""
        # A shared mixture stays shared, so that nothing is computed or stored twice.
        same = self.output is self.input
        if outputs and not same:
            return replace(self, output=change(self.output))
        changed = change(self.input)
        return replace(self, input=changed, output=changed if same else change(self.output))


def everywhere(mixture: Mixture, rank: int | None = None) -> Initialization:
    """The initialization that uses one mixture for all embedding matrices."""
    return Initialization(mixture, mixture, rank)
