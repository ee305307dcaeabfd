"""What `extend` can be told, each option with its help text: the API and the command line share it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def _option(default: Any, help_text: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class ExtendOptions:
    """The options of `extend`; each field's help is in its metadata."""

    base: str = _option("smollm2", "Base model: an alias, a hub id, a directory or a .gguf file.")
    lang: str = _option("", "Language of the new tokens, a BCP 47 tag such as zh-Hant.")
    out: Path = _option(Path("extended"), "Directory to write; must not exist or be empty.")
    corpus: tuple[str, ...] = _option(
        (),
        "Text in the language: .txt, .jsonl or .parquet (also .gz, .zst), directories, globs, or "
        "hf://owner/name/configuration. Default: the language's own.",
    )
    base_text: tuple[str, ...] = _option((), "Text in the base's language, to prove that it is unchanged.")
    text_field: str = _option("text", "Field of .jsonl and .parquet records that holds the text.")
    opencc: str = _option("", "Convert the corpus between Chinese scripts first, as s2twp.")
    new_tokens: int = _option(8000, "How many tokens to add.")
    init: str = _option("zip-tie", "How to make the new rows.")
    learn_bytes: int = _option(8_000_000, "Bytes of text to learn from, sampled from the corpus.")
    heldout_bytes: int = _option(60_000, "Bytes of text to hold out and measure on.")
    pad_to_multiple_of: int = _option(1, "Pad the tables to a multiple of this many rows.")
    seed: int = _option(0, "Changes what is sampled and drawn; the same seed gives the same bytes.")
    evaluate: bool = _option(True, "Measure bits per byte, which loads both models.")
    command: str = _option("", "The command line, for the manifest.")


def help_of(name: str) -> str:
    """The help text of one option of `ExtendOptions`."""
    text: str = next(f.metadata["help"] for f in dataclasses.fields(ExtendOptions) if f.name == name)
    return text
