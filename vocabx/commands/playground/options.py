"""The options of `vocabx playground`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import MODEL

PAGE = "Page"
DEFAULT_PORT = 8765


@options
class PlaygroundOptions:
    """Options of `playground`; each has its own help text."""

    directory: Path = option("An extended checkpoint or tokenizer, whoever made it.", default=Path())
    base: str = option(
        "The base to show beside it: an alias, a hub id, a directory or a tokenizer file. Default: as "
        "recorded.",
        default="",
        panel=MODEL,
    )
    port: int = option(
        "Port of this machine, on 127.0.0.1 alone, that the page is at; 0 takes a free one.",
        default=DEFAULT_PORT,
        panel=PAGE,
        ge=0,
        le=65535,
    )
    browser: bool = option("Open the page in the browser.", default=True, panel=PAGE)
