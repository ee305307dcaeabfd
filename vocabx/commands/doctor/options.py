"""What `vocabx doctor` can be told."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import MODEL, OUTPUT


@options
class DoctorOptions:
    """The options of `doctor`; the help of each says what it does."""

    directory: Path = option(
        "A checkpoint that somebody extended, or the directory of its tokenizer.", default=Path()
    )
    base: str = option(
        "What it extends: an alias, a hub id, a directory or a file; without it, what is new is inferred.",
        default="",
        panel=MODEL,
    )
    out: Path | None = option("Write a repaired copy here; weights are linked.", default=None, panel=OUTPUT)
