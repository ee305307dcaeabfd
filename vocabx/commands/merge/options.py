"""The options of `vocabx merge`."""

from pathlib import Path
from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import MEASURING, MODEL, OUT_HELP, OUTPUT, command, force


@options
class MergeOptions:
    """Options of `merge`; each has its own help text."""

    directory: Path = option("The directory of a finished training run.", default=Path())
    out: Path = option(OUT_HELP, default=Path("merged"), panel=OUTPUT)
    base: str = option(
        "The checkpoint that was trained, if it has been moved.",
        default="",
        panel=MODEL,
        metavar="<path>",
    )
    onto: Literal["trained", "original"] = option(
        "trained: the weights that the adapters were trained on (with qlora, the 4-bit weights dequantized "
        "to 16 bits); original: those of the checkpoint.",
        default="trained",
        panel=MODEL,
    )
    compare: bool = option(
        "Compare the result with the trained model on text, which loads both.", default=True, panel=MEASURING
    )
    link: bool = option("Make unchanged weight files hard links to the base's.", default=False, panel=OUTPUT)
    force: bool = force()
    command: str = command("manifest")
