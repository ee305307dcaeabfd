"""The options of `vocabx transfer`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import MODEL, OUT_HELP, OUTPUT, TEXT, CheckpointOptions
from vocabx.initializers.options import INIT_HELP, PANEL


@options
class TransferOptions(CheckpointOptions):
    """Options of `transfer`; each has its own help text."""

    init: str = option(INIT_HELP, default="wechsel", panel=PANEL)
    tokenizer: str = option(
        "The new tokenizer: a directory, a tokenizer.json, a SentencePiece .model, an alias or a hub id.",
        default="",
        panel=MODEL,
    )
    lang: str = option("Language of the new tokenizer, a BCP 47 tag such as de.", default="", panel=MODEL)
    out: Path = option(OUT_HELP, default=Path("transferred"), panel=OUTPUT)
    base_text: tuple[str, ...] = option(
        "Text in the base's language, for initializers that train on it.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
