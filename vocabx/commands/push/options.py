"""What `vocabx push` can be told."""

from pathlib import Path

from vocabx._util.options import option, options


@options
class PushOptions:
    """The options of `push`; the help of each says what it does."""

    directory: Path = option("A checkpoint or tokenizer that vocabx wrote.", default=Path())
    to: str = option(
        "Where on the hub: owner/name, or a name below your own.", default="", metavar="<owner/name>"
    )
    private: bool = option("Show it to nobody else.", default=False)
