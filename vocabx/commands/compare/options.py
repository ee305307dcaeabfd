"""The options of `vocabx compare`."""

from vocabx._util.options import option, options
from vocabx.commands._options import LARGEST_TEXT, MEASURING
from vocabx.commands.extend.options import ExtendOptions
from vocabx.errors import OptionError
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
    probe_steps: int | None = option(
        "Steps of continued pretraining (new rows and adapters) after which initializers are ranked; the "
        "base left alone is trained as long. 0 for none. Default: 50 where the model is measured and peft is "
        "installed.",
        default=None,
        panel=MEASURING,
        ge=0,
        most=1_000_000,
    )
    probe_seeds: int = option(
        "Repeat the probe with this many seeds, and average.", default=1, panel=MEASURING, ge=1, most=1_000
    )
    heldout_bytes: int = option(
        "Bytes of text to hold out and measure on, for each initializer.",
        default=20_000,
        panel=MEASURING,
        ge=1000,
        most=LARGEST_TEXT,
    )

    @property
    def initializers(self) -> tuple[str, ...]:
        """The names in `init`, without duplicates."""
        return tuple(dict.fromkeys(name.strip() for name in self.init.split(",") if name.strip()))

    @property
    def measures_hidden(self) -> bool:
        """Encoders are compared, too."""
        return True

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        super().check()
        if self.probe_steps and not self.evaluate:
            raise OptionError("--probe-steps needs the model, which --no-evaluate does not load: pass one")
        if self.probe_seeds > 1 and (self.probe_steps == 0 or not self.evaluate):
            raise OptionError("--probe-seeds repeats the probe, and there is none: omit it")
