"""What the registry says of a method: its function, its source, and what it has to be given."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vocabx.errors import InitializerError
from vocabx.initializers.mixture import Mixture
from vocabx.initializers.placement import Placement, everywhere
from vocabx.initializers.problem import Problem
from vocabx.initializers.zip_tie import zip_tie

Lift = Literal["", "by frequency", "plain", "if there", "of tokens"]


@dataclass(frozen=True)
class Initializer:
    """A method of the registry; calling it places the tokens of a problem.

    Attributes:
        function: the method.
        source: the paper or practice that it comes from.
        vectors: which `Problem.vectors` it takes: none; of words, lifted to tokens by frequency or by a
            plain mean; those by frequency where they can be had; or of tokens, trained on `Problem.text`.
        learns: whether it needs `Problem.text` and `Problem.tables`.
        settings: the names of the `Settings` that it heeds.
    """

    function: Callable[[Problem], Mixture | Placement]
    source: str
    vectors: Lift = ""
    learns: bool = False
    settings: tuple[str, ...] = ()

    def __call__(self, problem: Problem) -> Placement:
        """Place the tokens; `problem.copies` hold whatever the method says.

        Raises:
            InitializerError: the method lacks something, or what it was given does not fit together.
        """
        _check_sizes(problem)
        found = self.function(problem)
        placement = everywhere(found) if isinstance(found, Mixture) else found
        if "fallback" in self.settings and problem.settings.fallback == "pieces":
            placement = placement.mixing_draws(zip_tie(problem))
        return placement.copying(problem.copies)

    def parameters(self, problem: Problem) -> dict[str, Any]:
        """The settings that the method heeded, for the manifest."""
        return {name: value for name, value in asdict(problem.settings).items() if name in self.settings}


def _check_sizes(problem: Problem) -> None:
    if problem.vectors is None:
        return
    for name, vectors, tokens in (
        ("old", problem.vectors.source, problem.old_rows),
        ("new", problem.vectors.target, len(problem.tokens)),
    ):
        if len(vectors) != tokens:
            raise InitializerError(
                f"{tokens:,} {name} tokens and {len(vectors):,} vectors of them: they were made for another "
                "tokenizer"
            )
