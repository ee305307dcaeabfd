"""The options of `vocabx compare`."""

from vocabx._util.options import option, options
from vocabx.commands._options import MEASURING
from vocabx.commands.extend.options import ExtendOptions
from vocabx.initializers.options import PANEL


@options
class CompareOptions(ExtendOptions):
    """Options of `compare`; each has its own help text."""

    init: str = option(
        "The initializers to compare, comma-separated.",
        default="zip-tie,wechsel,ofa,cw2v,focus,mean,multivariate,univariate,resize",
        panel=PANEL,
    )
    evaluate: bool = option("Measure bits per byte, which loads the model.", default=True, panel=MEASURING)
    train_tokens: int = option(
        "Also train the new token embeddings alone on this many tokens, and measure during training.",
        default=0,
        panel=MEASURING,
        ge=0,
    )
    heldout_bytes: int = option(
        "Bytes of text to hold out and measure on, for each initializer.",
        default=20_000,
        panel=MEASURING,
        ge=1000,
    )

    @property
    def initializers(self) -> tuple[str, ...]:
        """The names in `init`, without duplicates."""
        return tuple(dict.fromkeys(name.strip() for name in self.init.split(",") if name.strip()))
