"""What `vocabx merge` can be told."""

from pathlib import Path
from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import MEASURING, MODEL, OUT_HELP, OUTPUT, command


@options
class MergeOptions:
    """The options of `merge`; the help of each says what it does."""

    directory: Path = option("What `vocabx train` wrote.", default=Path())
    out: Path = option(OUT_HELP, default=Path("merged"), panel=OUTPUT)
    base: str = option(
        "The checkpoint that was trained, where it is not where it was.",
        default="",
        panel=MODEL,
        metavar="<path>",
    )
    onto: Literal["trained", "original"] = option(
        "trained: the weights that the adapters were trained on, after qlora the 4-bit ones dequantized to "
        "16 bits; original: the checkpoint's own.",
        default="trained",
        panel=MODEL,
    )
    compare: bool = option(
        "Compare the result with the trained model on text, which loads both.", default=True, panel=MEASURING
    )
    link: bool = option(
        "Make weight files that did not change hard links to the base's.", default=False, panel=OUTPUT
    )
    command: str = command("manifest")
