"""The options of `vocabx inspect`."""

from vocabx._util.options import option, options
from vocabx.commands._options import LARGEST_TEXT, MEASURING, TEXT, check_opencc, opencc, seed, text_field


@options
class InspectOptions:
    """Options of `inspect`; each has its own help text."""

    base: str = option(
        "An alias, a hub id, a directory, a .gguf file, a tokenizer.json or a SentencePiece .model.",
        default="",
        metavar="BASE",
    )
    lang: str = option("Language to measure for, a BCP 47 tag such as zh-Hant.", default="")
    corpus: tuple[str, ...] = option(
        "Text in the language: .txt, .jsonl, .json, .csv, .tsv, .parquet or .arrow (also .gz, .bz2, .xz, "
        ".zst), directories, globs, or hf://owner/name/configuration. Default: the language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    text_field: str = text_field()
    opencc: str = opencc()
    sample_bytes: int = option(
        "Bytes of text to measure on, sampled from the corpus.",
        default=2_000_000,
        panel=MEASURING,
        ge=1000,
        most=LARGEST_TEXT,
    )
    seed: int = seed("the sampling of text")

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        check_opencc(self.corpus, self.opencc)
