"""The options of initializers, for Python and the command line."""

from typing import Literal

from vocabx._util.options import flag, option, options
from vocabx.errors import OptionError

PANEL = "Initialization"
INIT_HELP = (
    "How new token embeddings are initialized: zip-tie, zip-tie-ordered, wechsel, ofa, cw2v, focus, "
    "eeve, adaptivocab, bil, first-piece, distill, mean, univariate, multivariate or resize."
)
# Options that name files of word vectors.
VECTOR_FILES = ("source_vectors", "target_vectors", "shared_vectors")
# Options that are parameters of initializers; the registry states which initializer uses which.
SETTINGS = (
    "neighbours",
    "temperature",
    "rank",
    "candidates",
    "epochs",
    "fallback",
    "boost",
    "distill_tokens",
    "distill_minutes",
)


@options
class InitializerOptions:
    """How new token embeddings are initialized: the options of every command that initializes some.

    Attributes:
        init: the name of the initializer.
        source_vectors, target_vectors, shared_vectors: files of word vectors, or "".
        dictionary: the dictionary that aligns the two languages' vectors, or "".
        neighbours: k, the number of nearest old tokens to mix (WECHSEL, OFA).
        temperature: τ of the softmax over their cosines (WECHSEL, OFA).
        rank: of the factorized matrices (OFA); with None they are not factorized.
        candidates: K, the number of old tokens that a new embedding may mix (CW2V).
        fallback: what a token without a vector gets (WECHSEL, OFA, FOCUS): "draw", as in the papers, or
            "pieces", the mean of its pieces as zip-tie computes it, which stays inside the hull.
        epochs: passes over the text's co-occurrences (CW2V).
        distill_tokens: number of tokens of text to learn from (distill).
        distill_minutes: a limit on the time for it; the result then depends on the machine's speed (distill).
        boost: k, what the logit of every new token gets beside its share of its first piece (first-piece).
    """

    init: str = option(INIT_HELP, default="zip-tie", panel=PANEL)
    source_vectors: str = option(
        "Word vectors of the base's language: fastText .bin or .vec, word2vec or GloVe. Default: those of an "
        "installed package, or trained on the base's text.",
        default="",
        panel=PANEL,
        metavar="<path>",
    )
    target_vectors: str = option(
        "Word vectors of the new language. Default: those of an installed package, or trained on the corpus.",
        default="",
        panel=PANEL,
        metavar="<path>",
    )
    shared_vectors: str = option(
        "One file of word vectors for both languages, instead of two and a dictionary.",
        default="",
        panel=PANEL,
        metavar="<path>",
    )
    dictionary: str = option(
        "Dictionary that aligns the two: cedict, freedict, a file with one word pair per line, identical "
        "(words spelled alike), or none if they are aligned already. Default: the language's own.",
        default="",
        panel=PANEL,
    )
    neighbours: int = option(
        "Number of nearest old tokens that a new embedding mixes (wechsel, ofa).",
        default=10,
        panel=PANEL,
        ge=1,
        most=100_000,
    )
    temperature: float = option(
        "Temperature of that mixture (wechsel, ofa).", default=0.1, panel=PANEL, gt=0, most=1_000_000
    )
    rank: int | None = option(
        "Factorize the embedding matrices to this rank, which new embeddings then have (ofa).",
        default=None,
        panel=PANEL,
        ge=1,
        most=1_000_000,
    )
    candidates: int = option(
        "Number of old embeddings that a new one may mix (cw2v).", default=64, panel=PANEL, ge=1, most=100_000
    )
    fallback: Literal["draw", "pieces"] = option(
        "What a token without a vector gets (wechsel, ofa, focus): draw, as in the papers, or pieces, the "
        "mean of its pieces.",
        default="draw",
        panel=PANEL,
    )
    epochs: int = option(
        "Passes over the text's token pairs (cw2v).", default=5, panel=PANEL, ge=1, most=10_000
    )
    boost: float = option(
        "What is added to the logits of new tokens, in nats, beside their share of their first piece "
        "(first-piece, distill).",
        default=2.0,
        panel=PANEL,
    )
    distill_tokens: int = option(
        "Tokens of text to learn from (distill).",
        default=50_000,
        panel=PANEL,
        ge=1,
        most=1_000_000_000,
        metavar="<number>",
    )
    distill_minutes: float | None = option(
        "Learn for at most this long; the result then depends on the machine's speed (distill).",
        default=None,
        panel=PANEL,
        gt=0,
        most=1_000_000,
        metavar="<minutes>",
    )

    def check(self) -> None:
        """Check that the options do not contradict each other.

        Raises:
            OptionError: they do; the message says which.
        """
        if not self.init.strip(", "):
            raise OptionError("--init names no initializer: pass one or more, comma-separated")
        if self.shared_vectors:
            others = ("source_vectors", "target_vectors", "dictionary")
            given = [flag(name) for name in others if getattr(self, name)]
            if given:
                raise OptionError(f"--shared-vectors holds both languages: leave out {' and '.join(given)}")
