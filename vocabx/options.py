"""What the commands can be told, each option with its help text: the API and the command line share it."""

from dataclasses import dataclass, field, fields
from pathlib import Path


def _help(text: str) -> dict[str, str]:
    return {"help": text}


_INIT = (
    "How to make the new rows: zip-tie, zip-tie-ordered, wechsel, ofa, cw2v, focus, mean, univariate, "
    "multivariate or resize."
)


@dataclass(frozen=True)
class PlacingOptions:
    """How new rows are made: what every command that places tokens can be told of the initializer."""

    init: str = field(default="zip-tie", metadata=_help(_INIT))
    source_vectors: str = field(
        default="",
        metadata=_help(
            "Word vectors of the base's language: fastText .bin or .vec, word2vec or GloVe. Default: those "
            "of an installed package, or trained on the base's text."
        ),
    )
    target_vectors: str = field(
        default="",
        metadata=_help(
            "Word vectors of the new language. Default: those of an installed package, or trained on the "
            "corpus."
        ),
    )
    shared_vectors: str = field(
        default="",
        metadata=_help("One file of word vectors for both languages, in place of two and a dictionary."),
    )
    dictionary: str = field(
        default="",
        metadata=_help(
            "What aligns the two: cedict, freedict, a file with a pair of words a line, identical (words "
            "spelled alike), or none where they are aligned. Default: the language's own."
        ),
    )
    neighbours: int = field(
        default=10, metadata=_help("How many of the nearest old tokens a new row blends (wechsel, ofa).")
    )
    temperature: float = field(default=0.1, metadata=_help("Temperature of that blend (wechsel, ofa)."))
    rank: int | None = field(
        default=None, metadata=_help("Factorise the tables to this rank; new rows are then of it (ofa).")
    )
    candidates: int = field(default=64, metadata=_help("How many old rows a new one may mix (cw2v)."))
    fallback: str = field(
        default="draw",
        metadata=_help(
            "What a token without a vector becomes (wechsel, ofa, focus): draw, as in the papers, or pieces, "
            "the mean of its pieces."
        ),
    )
    epochs: int = field(default=5, metadata=_help("Passes over the text's pairs of tokens (cw2v)."))


@dataclass(frozen=True)
class CheckpointOptions(PlacingOptions):
    """What every command that writes a checkpoint for a language can be told."""

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
    link: bool = field(
        default=False,
        metadata=_help(
            "Make weight files without a table hard links to the base's: no disk and no time, but a change "
            "to one is a change to both."
        ),
    )
    hash: bool = field(
        default=False, metadata=_help("Record the sha256 of every weight file, not of the tables alone.")
    )
    resume: bool = field(
        default=False, metadata=_help("Go on with what an earlier run of the same job left unfinished.")
    )
    push_to_hub: str = field(
        default="", metadata=_help("Then publish the result on the Hugging Face hub, as owner/name.")
    )
    private: bool = field(default=False, metadata=_help("Publish it as a private repository."))
    command: str = field(default="", metadata=_help("The command line, for the manifest."))


@dataclass(frozen=True)
class ExtendOptions(CheckpointOptions):
    """The options of `extend`; each field's help is in its metadata."""

    opencc: str = field(
        default="", metadata=_help("Convert the corpus between Chinese scripts first, as s2twp.")
    )
    protect: tuple[str, ...] = field(
        default=(),
        metadata=_help(
            "Text that must be cut exactly as before: tokens that would occur in it are not added. For "
            "languages that share the base's script."
        ),
    )
    new_tokens: int | None = field(
        default=None,
        metadata=_help(
            "How many tokens to add. Default: all of the donor's, or 8,000, or as many as the text supports."
        ),
    )
    donor: str = field(
        default="",
        metadata=_help(
            "Take the tokens from this tokenizer instead of learning them: a directory, a tokenizer.json, a "
            "SentencePiece .model or a tiktoken file."
        ),
    )
    intermediates: str = field(
        default="buy",
        metadata=_help(
            "What a donor's token is built from and the donor lacks: buy adds it, drop leaves the token out."
        ),
    )
    pretokenizer: str = field(
        default="keep",
        metadata=_help(
            "keep leaves the base's word pattern as it is; adapt widens it where it cuts inside the "
            "language's words."
        ),
    )
    tokenizer_only: bool = field(
        default=False, metadata=_help("Write the tokenizer alone; no weights are needed or read.")
    )
    factorised: bool = field(
        default=False,
        metadata=_help(
            "Write the tables as factors of --rank, with a model class that reads them: fewer parameters, "
            "and old rows approximated (ofa)."
        ),
    )
    balance: float = field(
        default=0.0,
        metadata=_help(
            "How --factorised shares the scale: 0 leaves it to the primitives, as OFA does; 0.5 gives "
            "both factors the same, which trains better."
        ),
    )
    hostile: int = field(
        default=10_000,
        metadata=_help(
            "How many hostile strings to verify on; from 1,000 on, one is a megabyte of one character."
        ),
    )

    @property
    def initializers(self) -> tuple[str, ...]:
        """The names of the initializers that will place tokens."""
        return (self.init,)


@dataclass(frozen=True)
class CompareOptions(ExtendOptions):
    """The options of `compare`; each field's help is in its metadata."""

    init: str = field(
        default="zip-tie,wechsel,ofa,cw2v,focus,mean,multivariate,univariate,resize",
        metadata=_help("The initializers to compare, parted by commas."),
    )
    train_tokens: int = field(
        default=0,
        metadata=_help("Then train the new rows alone on so many tokens, and measure along the way."),
    )
    heldout_bytes: int = field(
        default=20_000, metadata=_help("Bytes of text to hold out and measure on, for each initializer.")
    )

    @property
    def initializers(self) -> tuple[str, ...]:
        """The names in `init`, each once."""
        return tuple(dict.fromkeys(name.strip() for name in self.init.split(",") if name.strip()))


@dataclass(frozen=True)
class TransferOptions(CheckpointOptions):
    """The options of `transfer`; each field's help is in its metadata."""

    init: str = field(default="wechsel", metadata=_help(_INIT))
    tokenizer: str = field(
        default="",
        metadata=_help(
            "The tokenizer that the result will have: a directory, a tokenizer.json, a SentencePiece .model, "
            "an alias or a hub id."
        ),
    )
    lang: str = field(default="", metadata=_help("Language of that tokenizer, a BCP 47 tag such as de."))
    out: Path = field(
        default=Path("transferred"), metadata=_help("Directory to write; must not exist or be empty.")
    )
    base_text: tuple[str, ...] = field(
        default=(), metadata=_help("Text in the base's language, for initializers that learn from it.")
    )


@dataclass(frozen=True)
class VerifyOptions:
    """The options of `verify_directory`; each field's help is in its metadata."""

    directory: Path = field(
        default=Path(), metadata=_help("An extended checkpoint or tokenizer, made by anyone.")
    )
    against: str = field(
        default="",
        metadata=_help("The base it extends: an alias, a hub id, a directory or a tokenizer's file."),
    )
    lang: str = field(
        default="",
        metadata=_help("Language of the new tokens. Default: as recorded, or as their script tells."),
    )
    corpus: tuple[str, ...] = field(
        default=(), metadata=_help("Text in the language. Default: the language's own.")
    )
    base_text: tuple[str, ...] = field(default=(), metadata=_help("Text in the base's language."))
    text_field: str = field(
        default="text", metadata=_help("Field of .jsonl and .parquet records that holds the text.")
    )
    sample_bytes: int = field(
        default=2_000_000, metadata=_help("Bytes of each text to verify on, sampled from it.")
    )
    hostile: int = field(default=10_000, metadata=_help("How many hostile strings to verify on."))
    seed: int = field(default=0, metadata=_help("Changes what is sampled and generated."))
    records: bool = field(
        default=False,
        metadata=_help("Check the files against vocabx.json alone; no base and no text are needed."),
    )


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of `evaluate`; each field's help is in its metadata."""

    directories: tuple[Path, ...] = field(
        default=(), metadata=_help("Checkpoints to set side by side, whoever made them.")
    )
    base: str = field(
        default="",
        metadata=_help(
            "The base they extend: an alias, a hub id, a directory or a .gguf file. Default: as the first "
            "directory records."
        ),
    )
    lang: str = field(
        default="", metadata=_help("Language of the new tokens, a BCP 47 tag. Default: as recorded.")
    )
    corpus: tuple[str, ...] = field(
        default=(),
        metadata=_help(
            "Text in the language that no model was trained on: all of it is held out. Default: the sections "
            "of the language's own text that extend holds out with the same --seed and --heldout-bytes."
        ),
    )
    base_text: tuple[str, ...] = field(
        default=(), metadata=_help("Text in the base's language, likewise. Default: that language's own.")
    )
    text_field: str = field(
        default="text", metadata=_help("Field of .jsonl and .parquet records that holds the text.")
    )
    opencc: str = field(
        default="", metadata=_help("Convert the corpus between Chinese scripts first, as s2twp.")
    )
    heldout_bytes: int = field(
        default=60_000, metadata=_help("About how many bytes of each text to measure on, sampled from it.")
    )
    samples: int = field(
        default=3,
        metadata=_help(
            "How many held-out passages to begin and let each model continue; 0 generates nothing."
        ),
    )
    generate_tokens: int = field(
        default=48, metadata=_help("How many new tokens each model generates after each beginning.")
    )
    seed: int = field(default=0, metadata=_help("Changes which text is sampled."))
    out: Path | None = field(
        default=None,
        metadata=_help(
            "Also write evaluation.json and evaluation.html into this directory; must not exist or be empty. "
            "Default: nothing is written."
        ),
    )
    command: str = field(default="", metadata=_help("The command line, for the page."))


def help_of(name: str, options: type = ExtendOptions) -> str:
    """The help text of one option."""
    text: str = next(f.metadata["help"] for f in fields(options) if f.name == name)
    return text
