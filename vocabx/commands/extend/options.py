"""The options of `vocabx extend`."""

from typing import Literal

from vocabx._util.options import option, options
from vocabx.commands._options import (
    LARGEST_TEXT,
    MEASURING,
    OUTPUT,
    TEXT,
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
    engine: Literal["local", "ray"] = option(
        "Where --corpus is read and judged: local, on the cores of this machine; ray, on the workers of Ray, "
        "here or on the cluster that RAY_ADDRESS names. The result is the same.",
        default="local",
        panel=TEXT,
    )
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
    superwords: bool = option(
        "Also learn tokens of several words with the spaces between them, where they save more than further "
        "tokens of words. For languages with spaces, and byte-level BPE; widens the pre-tokenizer's pattern.",
        default=False,
        panel=TOKENS,
    )
    prune: int | None = option(
        "Remove this many tokens of the base that no text here needs, of scripts that neither the language "
        "nor the base's text has, and add as many: the vocabulary stays as large. With --tokenizer-only.",
        default=None,
        panel=TOKENS,
        ge=1,
        most=10_000_000,
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
    factor_balance: float | None = option(
        "With --factorised, how the singular values are divided: 0 puts all of their scale into the "
        "primitives, as OFA does; 0.5 gives both factors the same, which trains better. Default: 0.",
        default=None,
        panel=OUTPUT,
        ge=0,
        le=1,
    )
    balance: Literal["none", "parity"] | None = option(
        "Which of several languages gets a token: parity, the one whose text takes most tokens for what it "
        "says, so that the worst-served gains first; none, the one that saves most. Default: parity.",
        default=None,
        panel=TOKENS,
    )
    share: str = option(
        "Shares of the new tokens of several languages, in place of a balance, such as hi=0.5,ta=0.3,bn=0.2.",
        default="",
        panel=TOKENS,
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
        return QualityOptions(self.quality, self.perplexity_model, self.perplexity_share, engine=self.engine)

    @property
    def initializers(self) -> tuple[str, ...]:
        """The names of the initializers that will be used."""
        return (self.init,)

    @property
    def measures_hidden(self) -> bool:
        """Whether models are measured that fill in what is hidden from them, beside those that read on."""
        return False

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        super().check()
        check_opencc(self.corpus, self.opencc)
        if self.engine == "ray" and not self.corpus:
            raise OptionError("--engine ray reads the files of --corpus: pass --corpus, or omit --engine")
        if self.new_tokens == "auto" and self.budget is None:
            raise OptionError(
                "--new-tokens auto depends on how much text will be trained on: pass its bytes as --budget, "
                "or a number"
            )
        if self.budget is not None and self.tokens_asked_for is not None:
            raise OptionError(
                "--budget decides how many tokens to add: pass --new-tokens auto, or omit --budget"
            )
        if self.budget is not None and (self.prune is not None or self.superwords):
            other = "--superwords" if self.prune is None else "--prune"
            raise OptionError(
                f"{other} adds a given number of tokens, and --budget decides it: pass one of them"
            )
        check_quality(self.corpus, self.quality, self.perplexity_model)
        if self.strict and self.tokens_asked_for is None and not self.corpus:
            raise OptionError("--strict applies to --new-tokens or --corpus: pass one of them, or omit it")
        if self.untie and (self.factorised or self.tokenizer_only):
            other = "--factorised" if self.factorised else "--tokenizer-only"
            raise OptionError(f"--untie writes a dense lm_head, and {other} writes none: pass one of them")
        self._check_balance()
        self._check_prune()
        if self.superwords and self.donor:
            raise OptionError("--superwords learns tokens, and --donor gives them: pass one of them")
        if self.superwords and self.share:
            raise OptionError(
                "--superwords decides itself how many tokens words get, and --share divides them: pass one"
            )
        if not self.factorised:
            if self.factor_balance is not None:
                raise OptionError("--factor-balance has no effect without --factorised: pass both or neither")
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

    def _check_prune(self) -> None:
        """Refuse --prune where it cannot be.

        Raises:
            OptionError: if so.
        """
        if self.prune is None:
            return
        if not self.tokenizer_only:
            raise OptionError(
                "--prune moves the base's ids: pass --tokenizer-only, and then give the result a model's "
                f"weights with vocabx transfer --base {self.base} --tokenizer {self.out} --init zip-tie"
            )
        if self.new_tokens not in (None, self.prune):
            raise OptionError("--prune adds as many tokens as it removes: leave --new-tokens out")
        if self.donor:
            raise OptionError(
                "--prune makes room for tokens that are learned, and --donor gives them: pass one"
            )

    def _check_balance(self) -> None:
        """Refuse a balance or shares of what there is not.

        Raises:
            OptionError: if so.
        """
        name = "--share" if self.share else f"--balance {self.balance}" if self.balance else ""
        if name and "," not in self.lang:
            raise OptionError(
                f"{name} divides the tokens among several languages, and --lang names one: pass tags such as "
                "--lang hi,ta,bn, or leave it out"
            )
        if name and self.donor:
            raise OptionError(f"{name} divides tokens that are learned, and --donor gives them: pass one")
        if self.share and self.balance:
            raise OptionError("--share and --balance both divide the tokens: pass one of them")
