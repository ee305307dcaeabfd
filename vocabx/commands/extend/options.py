"""What `vocabx extend` can be told."""

from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import MEASURING, OUTPUT, CheckpointOptions, check_opencc, opencc
from vocabx.errors import OptionError

TOKENS = "Tokens"


@options
class ExtendOptions(CheckpointOptions):
    """The options of `extend`; the help of each says what it does."""

    opencc: str = opencc()
    protect: tuple[str, ...] = option(
        "Text that must be tokenized exactly as before: tokens that would occur in it are not added. For "
        "languages that share the base's script.",
        default=(),
        panel=TOKENS,
        metavar="<path>",
    )
    new_tokens: int | None = option(
        "How many tokens to add. Default: all of the donor's, or 8,000, or as many as the text supports.",
        default=None,
        panel=TOKENS,
        ge=1,
    )
    donor: str = option(
        "Take the tokens from this tokenizer instead of learning them: a directory, a tokenizer.json, a "
        "SentencePiece .model or a tiktoken file.",
        default="",
        panel=TOKENS,
        metavar="<path>",
    )
    intermediates: Literal["add", "drop"] = option(
        "What a donor's token is built from and the donor lacks: add adds it, drop leaves the token out.",
        default="add",
        panel=TOKENS,
    )
    pretokenizer: Literal["keep", "adapt"] = option(
        "keep leaves the base's pre-tokenizer as it is; adapt widens its pattern where that splits the "
        "language's words.",
        default="keep",
        panel=TOKENS,
    )
    tokenizer_only: bool = option(
        "Write the tokenizer alone; no weights are needed or read.", default=False, panel=OUTPUT
    )
    factorised: bool = option(
        "Write the embedding matrices as factors of --rank, with a model class that reads them: fewer "
        "parameters, and old embeddings approximated (ofa).",
        default=False,
        panel=OUTPUT,
    )
    balance: float = option(
        "How --factorised shares the scale: 0 leaves it to the primitives, as OFA does; 0.5 gives both "
        "factors the same, which trains better.",
        default=0.0,
        panel=OUTPUT,
        ge=0,
        le=1,
    )
    adversarial: int = option(
        "How many adversarial strings to verify on; from 1,000 on, one is a megabyte of one character.",
        default=10_000,
        panel=MEASURING,
        ge=0,
    )

    @property
    def initializers(self) -> tuple[str, ...]:
        """The names of the initializers that will be used."""
        return (self.init,)

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: they do; the message says which.
        """
        super().check()
        check_opencc(self.corpus, self.opencc)
        if not self.factorised:
            if self.balance:
                raise OptionError("--balance is of no use without --factorised: pass both or neither")
            return
        if self.tokenizer_only:
            raise OptionError(
                "--factorised is about weights and --tokenizer-only writes none: pass one of them"
            )
        if self.init != "ofa":
            raise OptionError(
                f"--factorised writes the factors that OFA mixes, and --init is {self.init}: pass --init ofa "
                "with a --rank, or leave --factorised out"
            )
        if self.rank is None:
            raise OptionError("--factorised needs a rank: pass --rank, as 100, 200 or 400")
