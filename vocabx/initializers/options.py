"""What an initializer can be told, from Python and from the shell."""

from typing import Literal

from vocabx._util.options import flag, option, options
from vocabx.errors import OptionError

PANEL = "Initialization"
INIT_HELP = (
    "How new token embeddings are initialized: zip-tie, zip-tie-ordered, wechsel, ofa, cw2v, focus, mean, "
    "univariate, multivariate or resize."
)
# The options that name files of word vectors.
VECTOR_FILES = ("source_vectors", "target_vectors", "shared_vectors")
# The options that are numbers or choices of a method; the registry says which method uses which.
SETTINGS = ("neighbours", "temperature", "rank", "candidates", "epochs", "fallback")


@options
class InitializerOptions:
    """How new token embeddings are initialized: the options of every command that initializes some.

    Attributes:
        init: the name of the initializer.
        source_vectors, target_vectors, shared_vectors: files of word vectors, or "".
        dictionary: what aligns the two languages' vectors, or "".
        neighbours: k, how many of the nearest old tokens are mixed (WECHSEL, OFA).
        temperature: τ of the softmax over their cosines (WECHSEL, OFA).
        rank: of the factorised matrices (OFA); None leaves them whole.
        candidates: K, how many old tokens a new embedding may mix (CW2V).
        fallback: what a token without a vector gets (WECHSEL, OFA, FOCUS): "draw", as in the papers, or
            "pieces", the mean of its pieces as zip-tie computes it, which stays inside the hull.
        epochs: passes over the text's co-occurrences (CW2V).
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
        "What aligns the two: cedict, freedict, a file with one pair of words per line, identical (words "
        "spelled alike), or none where they are aligned already. Default: the language's own.",
        default="",
        panel=PANEL,
    )
    neighbours: int = option(
        "How many of the nearest old tokens a new embedding mixes (wechsel, ofa).",
        default=10,
        panel=PANEL,
        ge=1,
    )
    temperature: float = option("Temperature of that mixture (wechsel, ofa).", default=0.1, panel=PANEL, gt=0)
    rank: int | None = option(
        "Factorise the embedding matrices to this rank; new embeddings are then of it (ofa).",
        default=None,
        panel=PANEL,
        ge=1,
    )
    candidates: int = option(
        "How many old embeddings a new one may mix (cw2v).", default=64, panel=PANEL, ge=1
    )
    fallback: Literal["draw", "pieces"] = option(
        "What a token without a vector gets (wechsel, ofa, focus): draw, as in the papers, or pieces, the "
        "mean of its pieces.",
        default="draw",
        panel=PANEL,
    )
    epochs: int = option("Passes over the text's pairs of tokens (cw2v).", default=5, panel=PANEL, ge=1)

    def check(self) -> None:
        """Refuse options that contradict each other.

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
