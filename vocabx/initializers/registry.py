"""All initializers by name, with their sources and required inputs."""

from vocabx._util.suggest import nearest
from vocabx.errors import InitializerError
from vocabx.initializers import cw2v as _cw2v
from vocabx.initializers import focus as _focus
from vocabx.initializers import ofa as _ofa
from vocabx.initializers import wechsel as _wechsel
from vocabx.initializers.adaptivocab import adaptivocab
from vocabx.initializers.bil import bil
from vocabx.initializers.distill import distill
from vocabx.initializers.eeve import eeve
from vocabx.initializers.first_piece import first_piece
from vocabx.initializers.initializer import Initializer
from vocabx.initializers.mean import mean
from vocabx.initializers.multivariate import multivariate
from vocabx.initializers.resize import resize
from vocabx.initializers.univariate import univariate
from vocabx.initializers.zip_tie import zip_tie
from vocabx.initializers.zip_tie_ordered import zip_tie_ordered

INITIALIZERS: dict[str, Initializer] = {
    "zip-tie": Initializer(zip_tie, "arXiv 2404.00862"),
    "zip-tie-ordered": Initializer(zip_tie_ordered, "derived here"),
    "wechsel": Initializer(
        _wechsel.initialize,
        "arXiv 2112.06598",
        vectors="by frequency",
        settings=("neighbours", "temperature", "fallback"),
    ),
    "ofa": Initializer(
        _ofa.initialize,
        "arXiv 2311.08849",
        vectors="plain",
        settings=("neighbours", "temperature", "rank", "fallback"),
    ),
    "cw2v": Initializer(
        _cw2v.initialize,
        "arXiv 2407.05841",
        vectors="if available",
        learns=True,
        settings=("candidates", "epochs"),
    ),
    "focus": Initializer(_focus.initialize, "arXiv 2305.14481", vectors="of tokens", settings=("fallback",)),
    "eeve": Initializer(eeve, "arXiv 2402.14714", own_output=True),
    "adaptivocab": Initializer(adaptivocab, "arXiv 2503.19693", own_output=True),
    "bil": Initializer(bil, "arXiv 2608.03494", tables=True, own_output=True),
    "first-piece": Initializer(first_piece, "derived here", model=True, own_output=True, settings=("boost",)),
    "distill": Initializer(
        distill,
        "arXiv 2505.20133",
        model=True,
        own_output=True,
        untied=True,
        extends=True,
        settings=("boost", "distill_tokens", "distill_minutes"),
    ),
    "mean": Initializer(mean, "Hewitt 2021"),
    "univariate": Initializer(univariate, "common practice"),
    "multivariate": Initializer(multivariate, "Hewitt 2021"),
    "resize": Initializer(resize, "transformers 5"),
}
"""The methods by name: the source of each, what it has to be given, and the options that it uses."""


def find_initializer(name: str) -> Initializer:
    """Return the initializer called `name`.

    Raises:
        InitializerError: the name is unknown; the message suggests the nearest and lists all.
    """
    if name not in INITIALIZERS:
        raise InitializerError(
            f"unknown initializer {name!r}.{nearest(name, INITIALIZERS)} Known: {', '.join(INITIALIZERS)}"
        )
    return INITIALIZERS[name]
