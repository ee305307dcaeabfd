"""The options of `vocabx extend`."""

from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import (
    LARGEST_TEXT,
    MEASURING,
    OUTPUT,
    CheckpointOptions,
    check_opencc,
    check_quality,
    opencc,
    perplexity_model,
    perplexity_share,
    quality,
)
from vocabx.corpus.quality_options import QualityOptions
from vocabx.errors import OptionError

TOKENS = "Tokens"


@options
class ExtendOptions(CheckpointOptions):
    """Options of `extend`; each has its own help text."""

    opencc: str = opencc()
    quality: bool | None = quality()
    perplexity_model: str = perplexity_model()
    perplexity_share: float = perplexity_share()
    protect: tuple[str, ...] = option(
        "Text whose tokenization must not change: tokens that would occur in it are not added. For languages "
        "that share the base's script.",
        default=(),
        panel=TOKENS,
        metavar="<path>",
    )
    new_tokens: int | Literal["auto"] | None = option(
        "How many tokens to add, or auto: as many as --budget supports. Default: all of the donor's, or "
        "8,000, or as many as the text supports.",
        default=None,
        panel=TOKENS,
        metavar="<number>|auto",
        ge=1,
        most=10_000_000,
    )
    budget: int | None = option(
        "Bytes of text that training will read: of the default number of tokens, those are left out that "
        "would occur there less than about 4 times.",
        default=None,
        panel=TOKENS,
        ge=1000,
        most=LARGEST_TEXT,
    )
    strict: bool = option(
        "Refuse a text that supports fewer tokens than --new-tokens, instead of adding as many as it does, "
        "and a --corpus with a damaged file, instead of naming it and reading the others.",
        default=False,
        panel=TOKENS,
    )
    donor: str = option(
        "Take the tokens from this tokenizer instead of learning them: a directory, a tokenizer.json, a "
        "SentencePiece .model or a tiktoken file.",
        default="",
        panel=TOKENS,
        metavar="<path>",
    )
    intermediates: Literal["add", "drop"] = option(
        "For donor tokens that must be built from tokens the donor lacks: add adds these too, drop leaves "
        "the donor token out.",
        default="add",
        panel=TOKENS,
    )
    pretokenizer: Literal["keep", "adapt"] = option(
        "keep leaves the base's pre-tokenizer unchanged; adapt widens its pattern if that splits words of "
        "the language.",
        default="keep",
        panel=TOKENS,
    )
    tokenizer_only: bool = option(
        "Write only the tokenizer; no weights are needed or read.", default=False, panel=OUTPUT
    )
    factorised: bool = option(
        "Write the embedding matrices as two factors of rank --rank, with a model class that loads them: "
        "fewer parameters, but old embeddings are approximated (ofa).",
        default=False,
        panel=OUTPUT,
    )
    balance: float = option(
        "How --factorised divides the scale: 0 puts all of it into the primitives, as OFA does; 0.5 gives "
        "both factors the same scale, which trains better.",
        default=0.0,
        panel=OUTPUT,
        ge=0,
        le=1,
    )
    untie: bool = option(
        "Write an lm_head of its own for a base that has one matrix for it and the input embeddings, so that "
        "its new rows can follow a rule of their own. Costs the disk space and memory of a matrix.",
        default=False,
        panel=OUTPUT,
    )
    adversarial: int = option(
        "Number of adversarial strings to verify on; from 1,000, one of them is 1 MB of a single character.",
        default=10_000,
        panel=MEASURING,
        ge=0,
        most=1_000_000,
    )

    @property
    def tokens_asked_for(self) -> int | None:
        """A number of new tokens, if one was given."""
        return None if self.new_tokens == "auto" else self.new_tokens

    @property
    def quality_options(self) -> QualityOptions:
        """What is left out of the corpus for its quality."""
        return QualityOptions(self.quality, self.perplexity_model, self.perplexity_share)

    @property
    def initializers(self) -> tuple[str, ...]:
        """The names of the initializers that will be used."""
        return (self.init,)

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        super().check()
        check_opencc(self.corpus, self.opencc)
        if self.new_tokens == "auto" and self.budget is None:
            raise OptionError(
                "--new-tokens auto depends on how much text will be trained on: pass its bytes as --budget, "
                "or a number"
            )
        if self.budget is not None and self.tokens_asked_for is not None:
            raise OptionError(
                "--budget decides how many tokens to add: pass --new-tokens auto, or omit --budget"
            )
        check_quality(self.corpus, self.quality, self.perplexity_model)
        if self.strict and self.tokens_asked_for is None and not self.corpus:
            raise OptionError("--strict applies to --new-tokens or --corpus: pass one of them, or omit it")
        if self.untie and (self.factorised or self.tokenizer_only):
            other = "--factorised" if self.factorised else "--tokenizer-only"
            raise OptionError(f"--untie writes a dense lm_head, and {other} writes none: pass one of them")
        if not self.factorised:
            if self.balance:
                raise OptionError("--balance has no effect without --factorised: pass both or neither")
            return
        if self.tokenizer_only:
            raise OptionError("--factorised needs weights and --tokenizer-only writes none: pass one of them")
        if self.init != "ofa":
            raise OptionError(
                f"--factorised writes the factors of OFA, but --init is {self.init}: pass --init ofa with a "
                "--rank, or omit --factorised"
            )
        if self.rank is None:
            raise OptionError("--factorised needs a rank: pass --rank, such as 100, 200 or 400")
