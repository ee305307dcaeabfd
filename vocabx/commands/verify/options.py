"""The options of `vocabx verify`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import LARGEST_TEXT, MEASURING, MODEL, TEXT, seed, text_field
from vocabx.errors import OptionError
from vocabx.runtimes.registry import find_runtimes

RUNTIMES = "Runtimes"


@options
class VerifyOptions:
    """Options of `verify`; each has its own help text."""

    directory: Path = option("An extended checkpoint or tokenizer, whoever made it.", default=Path())
    against: str = option(
        "The base it extends: an alias, a hub id, a directory or a tokenizer file.", default="", panel=MODEL
    )
    lang: str = option(
        "Language of the new tokens, or several, comma-separated. Default: as recorded, or inferred from "
        "their script.",
        default="",
        panel=MODEL,
    )
    corpus: tuple[str, ...] = option(
        "Text in the language; of one of several, TAG=PATH. Default: the language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    base_text: tuple[str, ...] = option(
        "Text in the base's language.", default=(), panel=TEXT, metavar="<path>"
    )
    text_field: str = text_field()
    sample_bytes: int = option(
        "Bytes of each text to verify on, sampled from it.",
        default=2_000_000,
        panel=MEASURING,
        ge=1000,
        most=LARGEST_TEXT,
    )
    adversarial: int = option(
        "Number of adversarial strings to verify on.", default=10_000, panel=MEASURING, ge=0, most=1_000_000
    )
    seed: int = seed("the sampling of text and of the adversarial strings")
    records: bool = option(
        "Only check the files against vocabx.json; this needs neither a base nor text.",
        default=False,
        panel=MEASURING,
    )
    runtimes: str = option(
        "Also compare what these programs make of the directory: names, comma-separated, or all.",
        default="",
        panel=RUNTIMES,
    )
    runtimes_at: tuple[str, ...] = option(
        "Where they are installed, besides vocabx's own environment: a folder that `pip install --target` "
        "filled or that holds node_modules, or NAME=PATH for one of them, where PATH may be a Python.",
        default=(),
        panel=RUNTIMES,
        metavar="<path>",
    )
    runtimes_strings: int = option(
        "Number of strings that each of them is compared on.",
        default=5000,
        panel=RUNTIMES,
        ge=1,
        most=1_000_000,
    )
    runtimes_seconds: int = option(
        "Seconds that each of them may take.", default=120, panel=RUNTIMES, ge=1, most=1_000_000
    )

    @property
    def runtime_names(self) -> tuple[str, ...]:
        """The names in `runtimes`, without duplicates."""
        return tuple(dict.fromkeys(name.strip() for name in self.runtimes.split(",") if name.strip()))

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        find_runtimes(self.runtime_names)
        if self.records and self.runtimes:
            raise OptionError("--records needs no base, and --runtimes compares with it: pass one of them")
        if self.runtimes_at and not self.runtimes:
            raise OptionError(
                "--runtimes-at says where runtimes are, and there are none: pass --runtimes all"
            )
