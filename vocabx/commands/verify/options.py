"""What `vocabx verify` can be told."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import MEASURING, MODEL, TEXT, seed, text_field


@options
class VerifyOptions:
    """The options of `verify`; the help of each says what it does."""

    directory: Path = option("An extended checkpoint or tokenizer, made by anyone.", default=Path())
    against: str = option(
        "The base it extends: an alias, a hub id, a directory or a tokenizer's file.", default="", panel=MODEL
    )
    lang: str = option(
        "Language of the new tokens. Default: as recorded, or inferred from their script.",
        default="",
        panel=MODEL,
    )
    corpus: tuple[str, ...] = option(
        "Text in the language. Default: the language's own.", default=(), panel=TEXT, metavar="<path>"
    )
    base_text: tuple[str, ...] = option(
        "Text in the base's language.", default=(), panel=TEXT, metavar="<path>"
    )
    text_field: str = text_field()
    sample_bytes: int = option(
        "Bytes of each text to verify on, sampled from it.", default=2_000_000, panel=MEASURING, ge=1000
    )
    adversarial: int = option(
        "How many adversarial strings to verify on.", default=10_000, panel=MEASURING, ge=0
    )
    seed: int = seed("what is sampled and generated")
    records: bool = option(
        "Check the files against vocabx.json alone; no base and no text are needed.",
        default=False,
        panel=MEASURING,
    )
