"""Initializers: one file a method, each `(Problem) -> Mixture`, behind the registry below.

To add one: write its file with its source in the first lines, add a line here, a paragraph in
docs/methods.md and its oracle in tests/initializers/.
"""

from collections.abc import Callable

from vocabx.errors import InitializerError
from vocabx.initializers.mean import mean
from vocabx.initializers.mixture import Draws, Mixture
from vocabx.initializers.multivariate import multivariate
from vocabx.initializers.problem import Problem
from vocabx.initializers.univariate import univariate
from vocabx.initializers.zip_tie import zip_tie
from vocabx.initializers.zip_tie_ordered import zip_tie_ordered
from vocabx.suggest import nearest

Initializer = Callable[[Problem], Mixture]

INITIALIZERS: dict[str, Initializer] = {
    "zip-tie": zip_tie,
    "zip-tie-ordered": zip_tie_ordered,
    "mean": mean,
    "univariate": univariate,
    "multivariate": multivariate,
}


def find_initializer(name: str) -> Initializer:
    """Return the initializer called `name`.

    Raises:
        InitializerError: there is none of that name; the message gives the nearest and all.
    """
    if name not in INITIALIZERS:
        raise InitializerError(
            f"unknown initializer {name!r}.{nearest(name, INITIALIZERS)} Known: {', '.join(INITIALIZERS)}"
        )
    return INITIALIZERS[name]


__all__ = ["INITIALIZERS", "Draws", "Initializer", "Mixture", "Problem", "find_initializer"]
