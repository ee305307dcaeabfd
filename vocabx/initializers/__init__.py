"""Initializers: one file a method, from a `Problem` to a `Mixture` or a `Placement`, in the registry below.

To add one: write its file with its source in the first lines, add a line here, a paragraph in
docs/methods.md and its oracle in tests/initializers/.
"""

from vocabx.errors import InitializerError
from vocabx.initializers import cw2v as _cw2v
from vocabx.initializers import focus as _focus
from vocabx.initializers import ofa as _ofa
from vocabx.initializers import wechsel as _wechsel
from vocabx.initializers.cw2v import cw2v
from vocabx.initializers.factorise import Factors, factorise
from vocabx.initializers.focus import focus, sparsemax
from vocabx.initializers.mean import mean
from vocabx.initializers.mixture import Draws, Mixture
from vocabx.initializers.multivariate import multivariate
from vocabx.initializers.ofa import ofa
from vocabx.initializers.overlap import overlapping
from vocabx.initializers.placement import Placement
from vocabx.initializers.problem import LINE_END, Problem, Settings, Tables, TokenVectors
from vocabx.initializers.registry import Initializer
from vocabx.initializers.resize import resize
from vocabx.initializers.univariate import univariate
from vocabx.initializers.wechsel import wechsel
from vocabx.initializers.zip_tie import zip_tie
from vocabx.initializers.zip_tie_ordered import zip_tie_ordered
from vocabx.suggest import nearest

INITIALIZERS: dict[str, Initializer] = {
    "zip-tie": Initializer(zip_tie, "arXiv 2404.00862"),
    "zip-tie-ordered": Initializer(zip_tie_ordered, "derived here"),
    "wechsel": Initializer(
        _wechsel.place,
        "arXiv 2112.06598",
        vectors="by frequency",
        settings=("neighbours", "temperature", "fallback"),
    ),
    "ofa": Initializer(
        _ofa.place,
        "arXiv 2311.08849",
        vectors="plain",
        settings=("neighbours", "temperature", "rank", "fallback"),
    ),
    "cw2v": Initializer(
        _cw2v.place, "arXiv 2407.05841", vectors="if there", learns=True, settings=("candidates", "epochs")
    ),
    "focus": Initializer(_focus.place, "arXiv 2305.14481", vectors="of tokens", settings=("fallback",)),
    "mean": Initializer(mean, "Hewitt 2021"),
    "univariate": Initializer(univariate, "common practice"),
    "multivariate": Initializer(multivariate, "Hewitt 2021"),
    "resize": Initializer(resize, "transformers 5"),
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


__all__ = [
    "INITIALIZERS",
    "LINE_END",
    "Draws",
    "Factors",
    "Initializer",
    "Mixture",
    "Placement",
    "Problem",
    "Settings",
    "Tables",
    "TokenVectors",
    "cw2v",
    "factorise",
    "find_initializer",
    "focus",
    "mean",
    "multivariate",
    "ofa",
    "overlapping",
    "resize",
    "sparsemax",
    "univariate",
    "wechsel",
    "zip_tie",
    "zip_tie_ordered",
]
