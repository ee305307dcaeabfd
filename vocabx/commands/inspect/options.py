"""What `vocabx inspect` can be told."""

from vocabx._util.options import option, options
from vocabx.commands._options import MEASURING, TEXT, check_opencc, opencc, seed, text_field


@options
class InspectOptions:
    """The options of `inspect`; the help of each says what it does."""

    base: str = option(
        "An alias, a hub id, a directory, a .gguf file, a tokenizer.json or a SentencePiece .model.",
        default="",
        metavar="BASE",
    )
    lang: str = option("Language to look at, a BCP 47 tag such as zh-Hant.", default="")
    corpus: tuple[str, ...] = option(
        "Text in the language: .txt, .jsonl or .parquet (also .gz, .zst), directories, globs, or "
        "hf://owner/name/configuration. Default: the language's own.",
        default=(),
        panel=TEXT,
        metavar="<path>",
    )
    text_field: str = text_field()
    opencc: str = opencc()
    sample_bytes: int = option(
        "Bytes of text to look at, sampled from the corpus.", default=2_000_000, panel=MEASURING, ge=1000
    )
    seed: int = seed("what is sampled")

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: they do; the message says which.
        """
        check_opencc(self.corpus, self.opencc)
