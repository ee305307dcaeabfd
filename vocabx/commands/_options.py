"""Options of all commands that write a checkpoint for a language, and options that several commands share."""

from pathlib import Path
from typing import Any

from vocabx._util.options import option, options
from vocabx.corpus.sample_sizes import LEARN_BYTES, SampleSizes
from vocabx.errors import OptionError
from vocabx.initializers.options import InitializerOptions

TEXT, OUTPUT, HUB = "Text", "Output", "Hub"
MODEL, MEASURING = "Model", "Measuring"
OUT_HELP = "Directory to write; must not exist or be empty, unless --force is given."
FORCE_HELP = (
    "Overwrite --out if vocabx wrote it. The old directory disappears only when the new one is complete."
)
LARGEST_SEED = 2**32 - 1
# Bytes: a petabyte of text, which nobody reads.
LARGEST_TEXT = 10**15


def text_field() -> Any:
    """The option --text-field."""
    return option(
        "Field or column of records that holds the text; of nested records as translation.de or messages.",
        default="text",
        panel=TEXT,
    )


def opencc() -> Any:
    """The option --opencc."""
    return option("Convert the corpus between Chinese scripts, for example s2twp.", default="", panel=TEXT)


def quality() -> Any:
    """The option --quality."""
    return option(
        "Leave out of --corpus what is short, repetitive, in another script or language, recurring lines and "
        "near-duplicates; the report counts each. Default: for more than 50 MB.",
        default=None,
        panel=TEXT,
    )


def perplexity_model() -> Any:
    """The option --perplexity-model."""
    return option(
        "A KenLM model (.arpa or binary) that --quality ranks documents by: those with the lowest perplexity "
        "are kept.",
        default="",
        panel=TEXT,
        metavar="<path>",
    )


def perplexity_share() -> Any:
    """The option --perplexity-share."""
    return option(
        "Share of the documents that --perplexity-model keeps.", default=0.5, panel=TEXT, gt=0, le=1
    )


def check_quality(corpus: tuple[str, ...], wanted: bool | None, model: str) -> None:
    """Refuse --quality and --perplexity-model without what they apply to.

    Raises:
        OptionError: if they are given alone.
    """
    if wanted and not corpus:
        raise OptionError("--quality applies to the text of --corpus, which is missing: pass both or neither")
    if model and (not corpus or wanted is False):
        raise OptionError("--perplexity-model ranks what --quality keeps of --corpus: pass all of them")


def seed(what: str) -> Any:
    """The option --seed, the seed of `what`."""
    return option(f"Seed of {what}; the same seed gives the same result.", default=0, ge=0, le=LARGEST_SEED)


def command(what: str) -> Any:
    """The command line, which is recorded in `what` and is not an option on the command line itself."""
    return option(f"The command line, for the {what}.", default="")


def force() -> Any:
    """The option --force."""
    return option(FORCE_HELP, default=False, panel=OUTPUT)


def check_opencc(corpus: tuple[str, ...], configuration: str) -> None:
    """Refuse --opencc without --corpus.

    Raises:
        OptionError: if --opencc is given alone.
    """
    if configuration and not corpus:
        raise OptionError("--opencc converts the text of --corpus, which is missing: pass both or neither")


@options
class CheckpointOptions(InitializerOptions):
    """Options of every command that writes a checkpoint for a language."""

    base: str = option(
        "Base model: an alias, a hub id, a directory or a .gguf file.", default="smollm2", panel=MODEL
    )
    trust_remote_code: bool = option(
        "Run the code that comes with the base where only it can build the model's class: in a process of "
        "its own, to find the embedding matrices. It can do whatever you can: read it first.",
        default=False,
        panel=MODEL,
    )
    lang: str = option(
        "Language of the new tokens, a BCP 47 tag such as zh-Hant; for extend and compare also several, "
        "comma-separated, such as hi,ta,bn.",
        default="",
        panel=MODEL,
    )
    out: Path = option(OUT_HELP, default=Path("extended"), panel=OUTPUT)
    corpus: tuple[str, ...] = option(
        "Text in the language: .txt, .jsonl, .json, .csv, .tsv, .parquet or .arrow (also .gz, .bz2, .xz, "
        ".zst), directories, globs, hf://owner/name, or addresses such as s3://bucket/*.jsonl.zst; of one of "
        "several languages, TAG=PATH. Default: the language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    base_text: tuple[str, ...] = option(
        "Text in the base's language, to prove that its tokenization is unchanged.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    text_field: str = text_field()
    learn_bytes: int = option(
        "Bytes of text to learn from, sampled from the corpus; of each language, where there are several.",
        default=LEARN_BYTES,
        panel=TEXT,
        ge=1000,
        most=LARGEST_TEXT,
    )
    heldout_bytes: int = option(
        "Bytes of text to hold out and measure on; of each language, where there are several.",
        default=60_000,
        panel=MEASURING,
        ge=1000,
        most=LARGEST_TEXT,
    )
    pad_to_multiple_of: int = option(
        "Pad the embedding matrices to a multiple of this many rows; inference servers expect 64.",
        default=64,
        panel=OUTPUT,
        ge=1,
        most=1_000_000,
    )
    seed: int = seed("all sampling and random draws")
    evaluate: bool | None = option(
        "Measure bits per byte, which loads both models. Default: where torch and transformers are "
        "installed.",
        default=None,
        panel=MEASURING,
    )
    link: bool = option(
        "Make weight files without an embedding matrix hard links to the base's: takes no disk space and no "
        "time, but a change to one changes both.",
        default=False,
        panel=OUTPUT,
    )
    hash: bool = option(
        "Record the sha256 of every weight file, not only of the embedding matrices.",
        default=False,
        panel=OUTPUT,
    )
    resume: bool = option("Resume an unfinished run with the same options.", default=False, panel=OUTPUT)
    force: bool = force()
    push_to_hub: str = option(
        "Publish the result on the Hugging Face hub, as owner/name.",
        default="",
        panel=HUB,
        metavar="<owner/name>",
    )
    private: bool = option("Publish to a private repository.", default=False, panel=HUB)
    command: str = command("manifest")

    @property
    def sample_sizes(self) -> SampleSizes:
        """How much text to learn from and to hold out."""
        return SampleSizes(self.learn_bytes, self.heldout_bytes, self.seed)

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        super().check()
        if self.private and not self.push_to_hub:
            raise OptionError("--private applies to --push-to-hub, which is missing: pass both or neither")
