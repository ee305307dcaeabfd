"""The options of `vocabx push`."""

from pathlib import Path

from vocabx._util.options import option, options


@options
class PushOptions:
    """Options of `push`; each has its own help text."""

    directory: Path = option("A checkpoint or tokenizer that vocabx wrote.", default=Path())
    to: str = option(
        "Repository on the hub: owner/name, or a name in your own namespace.",
        default="",
        metavar="<owner/name>",
    )
    private: bool = option("Make the repository private.", default=False)
