"""What `extend` can be told, each option with its help text: the API and the command line share it."""

from dataclasses import dataclass, field, fields
from pathlib import Path


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True)
class ExtendOptions:
    """The options of `extend`; each field's help is in its metadata."""

    base: str = field(
        default="smollm2", metadata=_help("Base model: an alias, a hub id, a directory or a .gguf file.")
    )
    lang: str = field(default="", metadata=_help("Language of the new tokens, a BCP 47 tag such as zh-Hant."))
    out: Path = field(
        default=Path("extended"), metadata=_help("Directory to write; must not exist or be empty.")
    )
    corpus: tuple[str, ...] = field(
        default=(),
        metadata=_help(
            "Text in the language: .txt, .jsonl or .parquet (also .gz, .zst), directories, globs, or "
            "hf://owner/name/configuration. Default: the language's own."
        ),
    )
    base_text: tuple[str, ...] = field(
        default=(), metadata=_help("Text in the base's language, to prove that it is unchanged.")
    )
    text_field: str = field(
        default="text", metadata=_help("Field of .jsonl and .parquet records that holds the text.")
    )
    opencc: str = field(
        default="", metadata=_help("Convert the corpus between Chinese scripts first, as s2twp.")
    )
    new_tokens: int = field(default=8000, metadata=_help("How many tokens to add."))
    init: str = field(default="zip-tie", metadata=_help("How to make the new rows."))
    learn_bytes: int = field(
        default=8_000_000, metadata=_help("Bytes of text to learn from, sampled from the corpus.")
    )
    heldout_bytes: int = field(default=60_000, metadata=_help("Bytes of text to hold out and measure on."))
    pad_to_multiple_of: int = field(
        default=64, metadata=_help("Pad the tables to a multiple of this many rows; servers want 64.")
    )
    seed: int = field(
        default=0, metadata=_help("Changes what is sampled and drawn; the same seed gives the same bytes.")
    )
    evaluate: bool = field(default=True, metadata=_help("Measure bits per byte, which loads both models."))
    command: str = field(default="", metadata=_help("The command line, for the manifest."))


def help_of(name: str) -> str:
    """The help text of one option of `ExtendOptions`."""
    text: str = next(f.metadata["help"] for f in fields(ExtendOptions) if f.name == name)
    return text
