"""The options of `vocabx evaluate`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.commands._options import (
    LARGEST_TEXT,
    MEASURING,
    MODEL,
    OUTPUT,
    TEXT,
    check_opencc,
    command,
    force,
    opencc,
    seed,
    text_field,
)
from vocabx.corpus.sentence_pairs import FEWEST


@options
class EvaluateOptions:
    """Options of `evaluate`; each has its own help text."""

    directories: tuple[Path, ...] = option(
        "Checkpoints to measure side by side, whoever made them. Of a training run with a contest, what it "
        "showed is listed beside them.",
        default=(),
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
        "Text in the language that no model was trained on; text that a run's record shows to be trained on "
        "is called so. Default: the sections of the language's own text that extend holds out with the same "
        "--seed and --heldout-bytes.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    base_text: tuple[str, ...] = option(
        "Held-out text in the base's language. Default: that language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    text_field: str = text_field()
    opencc: str = opencc()
    heldout_bytes: int = option(
        "Approximate number of bytes of each text to measure on, sampled from it.",
        default=60_000,
        panel=MEASURING,
        ge=1000,
        most=LARGEST_TEXT,
    )
    samples: int = option(
        "Number of held-out passages whose beginning each model continues; 0 generates nothing.",
        default=3,
        panel=MEASURING,
        ge=0,
        most=10_000,
    )
    generate_tokens: int = option(
        "Number of tokens that each model generates after each beginning.",
        default=48,
        panel=MEASURING,
        ge=1,
        most=100_000,
    )
    generate: int = option(
        "Number of held-out passages whose beginning each model continues greedily and sampled, to measure "
        "how much of its text uses new tokens, and the tokens and seconds for each character; 0 for none.",
        default=0,
        panel=MEASURING,
        ge=0,
        most=10_000,
    )
    alignment: str = option(
        "Also measure how alike sentences and their translations are inside each model, by layer: a file "
        "with a sentence, a tab and its translation in each line, or auto for pairs of the language's "
        "packages, else of the translated programs on this machine.",
        default="",
        panel=MEASURING,
        metavar="<path|auto>",
    )
    alignment_pairs: int = option(
        "Number of sentence pairs of --alignment, drawn from it.",
        default=100,
        panel=MEASURING,
        ge=FEWEST,
        le=1000,
    )
    tasks: tuple[str, ...] = option(
        "Also run tasks of lm-eval on each model: names, or task files (.yaml), which may name local data "
        "and Python code beside them.",
        default=(),
        panel=MEASURING,
        metavar="<name|path>",
    )
    task_examples: int | None = option(
        "Run at most this many examples of each task. Default: all.",
        default=None,
        panel=MEASURING,
        ge=1,
        most=10**9,
    )
    seed: int = seed("the sampling of text")
    out: Path | None = option(
        "Also write evaluation.json and evaluation.html to this directory; must not exist or be empty, "
        "unless --force is given. Default: nothing is written.",
        default=None,
        panel=OUTPUT,
    )
    force: bool = force()
    command: str = command("page")

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        check_opencc(self.corpus, self.opencc)
