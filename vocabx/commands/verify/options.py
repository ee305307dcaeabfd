"""The options of `vocabx verify`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import LARGEST_TEXT, MEASURING, MODEL, TEXT, seed, text_field


@options
class VerifyOptions:
    """Options of `verify`; each has its own help text."""

    directory: Path = option("An extended checkpoint or tokenizer, whoever made it.", default=Path())
    against: str = option(
        "The base it extends: an alias, a hub id, a directory or a tokenizer file.", default="", panel=MODEL
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
