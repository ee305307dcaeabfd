"""An entry of the registry: an initializer's function, its source, and its required inputs."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vocabx.errors import InitializerError
from vocabx.initializers.inputs import InitializerInputs
from vocabx.initializers.zip_tie import zip_tie
from vocabx.mixture.initialization import Initialization, everywhere
from vocabx.mixture.mixture import Mixture

Lift = Literal["", "by frequency", "plain", "if available", "of tokens"]


@dataclass(frozen=True)
class Initializer:
    """A registered method; calling it initializes the tokens of its inputs.

    Attributes:
        function: the method.
        source: the paper or practice that it comes from.
        vectors: the `InitializerInputs.vectors` that it uses: none; word vectors lifted to tokens by
            frequency, or by a plain mean; those by frequency if available; or token vectors trained on the
            text.
        learns: whether it needs `InitializerInputs.text` and `InitializerInputs.tables`, and reports tokens
            done for each of its epochs.
        tables: whether it needs `InitializerInputs.tables`.
        model: whether it computes with the base, which must predict the next token, and needs
            `InitializerInputs.model`, `text` and `tables`.
        own_output: whether the rows of an untied lm_head follow another rule than the input embeddings. A
            tied one gets the input's.
        untied: whether it only makes rows for an lm_head that is not tied.
        extends: whether new tokens must stand beside the old ones, as in an extension.
        settings: the names of the options that it uses.
    """

    function: Callable[[InitializerInputs], Mixture | Initialization]
    source: str
    vectors: Lift = ""
    learns: bool = False
    tables: bool = False
    model: bool = False
    own_output: bool = False
    untied: bool = False
    extends: bool = False
    settings: tuple[str, ...] = ()

    def __call__(self, inputs: InitializerInputs) -> Initialization:
        """Initialize the tokens; `inputs.copies` take precedence over the method.

        Raises:
            InitializerError: an input is missing, or the inputs are inconsistent.
        """
        _check_sizes(inputs)
        found = self.function(inputs)
        initialization = everywhere(found) if isinstance(found, Mixture) else found
        if "fallback" in self.settings and inputs.settings.fallback == "pieces":
            initialization = initialization.mixing_draws(zip_tie(inputs))
        return initialization.copying(inputs.copies)

    def parameters(self, inputs: InitializerInputs) -> dict[str, Any]:
        """The settings that the method used, for the manifest."""
        return {name: value for name, value in asdict(inputs.settings).items() if name in self.settings}


def _check_sizes(inputs: InitializerInputs) -> None:
    if inputs.vectors is None:
        return
    for name, vectors, tokens in (
        ("old", inputs.vectors.source, inputs.old_rows),
        ("new", inputs.vectors.target, len(inputs.tokens)),
    ):
        if len(vectors) != tokens:
            raise InitializerError(
                f"there are {len(vectors):,} vectors for {tokens:,} {name} tokens: they belong to another "
                "tokenizer"
            )
