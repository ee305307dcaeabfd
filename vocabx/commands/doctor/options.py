"""The options of `vocabx doctor`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import MODEL, OUTPUT


@options
class DoctorOptions:
    """Options of `doctor`; each has its own help text."""

    directory: Path = option(
        "An extended checkpoint, whoever made it, or the directory of its tokenizer.", default=Path()
    )
    base: str = option(
        "The base it extends: an alias, a hub id, a directory or a file. Default: new tokens are inferred.",
        default="",
        panel=MODEL,
    )
    out: Path | None = option(
        "Write a repaired copy here; weights are hard links.", default=None, panel=OUTPUT
    )
