"""What `vocabx evaluate` can be told."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import (
    MEASURING,
    MODEL,
    OUTPUT,
    TEXT,
    check_opencc,
    command,
    opencc,
    seed,
    text_field,
)


@options
class EvaluateOptions:
    """The options of `evaluate`; the help of each says what it does."""

    directories: tuple[Path, ...] = option(
        "Checkpoints to measure side by side, whoever made them.", default=()
    )
    base: str = option(
        "The base they extend: an alias, a hub id, a directory or a .gguf file. Default: as the first "
        "directory records.",
        default="",
        panel=MODEL,
    )
    lang: str = option(
        "Language of the new tokens, a BCP 47 tag. Default: as recorded.", default="", panel=MODEL
    )
    corpus: tuple[str, ...] = option(
        "Text in the language that no model was trained on: all of it is held out. Default: the sections of "
        "the language's own text that extend holds out with the same --seed and --heldout-bytes.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    base_text: tuple[str, ...] = option(
        "Text in the base's language, likewise. Default: that language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    text_field: str = text_field()
    opencc: str = opencc()
    heldout_bytes: int = option(
        "About how many bytes of each text to measure on, sampled from it.",
        default=60_000,
        panel=MEASURING,
        ge=1000,
    )
    samples: int = option(
        "How many held-out passages to begin and let each model continue; 0 generates nothing.",
        default=3,
        panel=MEASURING,
        ge=0,
    )
    generate_tokens: int = option(
        "How many new tokens each model generates after each beginning.", default=48, panel=MEASURING, ge=1
    )
    seed: int = seed("which text is sampled")
    out: Path | None = option(
        "Also write evaluation.json and evaluation.html into this directory; must not exist or be empty. "
        "Default: nothing is written.",
        default=None,
        panel=OUTPUT,
    )
    command: str = command("page")

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: they do; the message says which.
        """
        check_opencc(self.corpus, self.opencc)
