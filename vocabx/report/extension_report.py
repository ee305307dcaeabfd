"""The numbers of an extension: the content of report.json."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from vocabx.checkpoint.factorised import Factorisation
from vocabx.evaluation.comparison import Comparison
from vocabx.report.claims import ClaimsReport
from vocabx.tokenizer.attainable import Attainable
from vocabx.tokenizer.certificate import Claim
from vocabx.tokenizer.pretokenized import Boundaries

# Tokens that occur less often are learned badly in training; inferred.
RARE = 16


@dataclass(frozen=True)
class CurvePoint:
    """What `new_tokens` tokens do, or would do.

    Attributes:
        new_tokens: how many.
        tokens_share: length of the held-out text, as a share of the base's tokens.
        rare_share: share of these tokens that occur less than `RARE` times in the learning text; None if
            unknown.
    """

    new_tokens: int
    tokens_share: float
    rare_share: float | None = None


@dataclass(frozen=True)
class Weight:
    """What the model weighs, in bytes as stored.

    Attributes:
        base: all weights of the base.
        result: all weights of the result.
        token: the embeddings of one token, in all matrices of the result.
        read: weights of the base that are read for every token it writes: all but input embeddings that are a
            matrix of their own.
        head: the row of the lm_head of one token.
    """

    base: int
    result: int
    token: int
    read: int
    head: int


@dataclass(frozen=True)
class Piece:
    """One token of a paragraph: its text (hexadecimal bytes if it is not whole characters) and origin."""

    text: str
    new: bool
    whole: bool


@dataclass(frozen=True)
class TokenizedParagraph:
    """One paragraph tokenized by both tokenizers."""

    base: tuple[Piece, ...]
    extended: tuple[Piece, ...]


@dataclass(frozen=True)
class FrequentToken:
    """A new token, how often it occurs in the held-out text, and the old tokens that it replaces."""

    id: int
    token: Piece
    count: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class LanguageNumbers:
    """One of several languages on its own held-out text.

    Attributes:
        language, name: BCP 47 tag and English name.
        source: the text that tokens were learned from.
        new_tokens: how many of the new tokens occur more often in its learning text than in any other.
        share: the share of the new tokens that was asked for, or None.
        bytes: of the held-out text.
        base_tokens, tokens: its length in tokens of the base, and of the extension.
        least: the fewest that the pre-tokenizer allows, None if it splits no text.
        information: bytes of the held-out text after bzip2, by the rate of the learning text: an estimate of
            how much it says.
    """

    language: str
    name: str
    source: str
    new_tokens: int
    share: float | None
    bytes: int
    base_tokens: int
    tokens: int
    least: int | None
    information: float

    @property
    def tokens_share(self) -> float:
        """Tokens of the extension over the base's."""
        return self.tokens / max(1, self.base_tokens)

    @property
    def floor(self) -> float | None:
        """The fewest tokens over the base's."""
        return None if self.least is None else self.least / max(1, self.base_tokens)

    @property
    def cost(self) -> tuple[float, float]:
        """Tokens for each 1,000 bytes of information, before and after: what parity makes equal."""
        kilobytes = max(1.0, self.information) / 1000
        return self.base_tokens / kilobytes, self.tokens / kilobytes


@dataclass(frozen=True)
class Norms:
    """Distribution of the Euclidean norms of the rows of one embedding matrix.

    Attributes:
        table: "input" or "output".
        edges: bin edges, one more than the bins.
        old, new: number of rows in each bin.
    """

    table: str
    edges: tuple[float, ...]
    old: tuple[int, ...]
    new: tuple[int, ...]


@dataclass(frozen=True)
class Origin:
    """Where the new tokens come from.

    Attributes:
        donor: the donor, or "" if the tokens were learned.
        taken, intermediates: tokens of the donor, and tokens added only to build those.
        left_out: tokens of the donor in the language that could not be built.
        known: tokens of the donor in the language that the base already had.
        adapted: whether the pre-tokenizer was widened.
        protected: source of the text whose tokenization had to stay the same, or "".
        unprotected_share: length of the held-out text over the base's if nothing had been protected, or None.
        superwords: how many new tokens hold several words.
        pruned: how many tokens of the base were removed, and `pruned_scripts` of which scripts they were.
        text: what was learned from, or what a donor's tokens were counted in, without directories.
        running_text: whether there was running text in it; False for word frequencies alone.
    """

    donor: str
    taken: int
    intermediates: int
    left_out: int
    known: int
    adapted: bool
    protected: str
    unprotected_share: float | None
    text: str = ""
    running_text: bool = True
    superwords: int = 0
    pruned: int = 0
    pruned_scripts: str = ""


@dataclass(frozen=True)
class Report(ClaimsReport):
    """Everything that report.json holds and report.html shows.

    Attributes:
        version: version of vocabx.
        command: the command line, or "" from Python.
        base, base_origin: the base as the user named it, and where it came from.
        language, language_name: BCP 47 tag and English name; of several languages, comma-separated tags and
            all names.
        corpus: one line that describes the text the tokens were learned from.
        family: family of the tokenizer, such as "Unigram".
        origin: where the new tokens come from.
        initializer, seed: how new embeddings were initialized; "" as initializer for a tokenizer alone.
        old_tokens, new_tokens, pad_rows, rows: sizes; rows is that of each new embedding matrix.
        tied: whether input embeddings and lm_head share one matrix.
        target, base_language: held-out comparisons.
        claims: the certificate.
        hull_bound: upper bound in nats on KL(old ‖ new) after old tokens, padding rows aside; None if
            embeddings were drawn at random, are no weighted means of old ones, or there are none.
        collisions: new input embeddings equal to another new one.
        unused: new tokens that do not occur in the learning text.
        dropped: learned tokens that were not added because nothing used them.
        curve: held-out length against number of new tokens.
        paragraphs: the same paragraphs tokenized by both.
        frequent: the most frequent new tokens of the held-out text.
        norms: one per embedding matrix.
        seconds: wall time of each stage, in order.
        kinds: how many new embeddings were mixed, copied from an old one, or drawn; empty if there are none.
        parameters: settings and inputs of the initializer, as in the manifest.
        factorised: size and error of the factors, or None if the matrices are dense.
        left_out: what was left out for want of packages, in one sentence, or "".
        unread: what of the text was not read: files of directories, records without text; a sentence each.
        nature: what the text is where it is not running text alone, in one sentence, or "".
        untied: whether the base has one matrix where this checkpoint has two.
        rule: which of its two rules the initializer was applied by, in one sentence, or "" if it has one or
            both applied.
        out: the directory written, as the user named it.
        occurrences: how many new tokens occur in the learning text 0, 1 to 3, 4 to 15, 16 to 63, and more
            times.
        boundaries: what the pre-tokenizer does to the held-out text; None if unknown.
        weight: sizes of the weights; None for a tokenizer alone.
        trainable: whether `vocabx train` can go on with it.
        quality: what --quality left out, by rule: documents and bytes; empty where it left out nothing.
        sketch: of the text that tokens were learned from, here and in the base, see `vocabx.corpus.sketch`.
        budget: bytes of training text that decided the number of new tokens, or None.
        languages: each of several languages; empty for one.
        attainable: what was known before learning of each text that was learned on; empty with a donor.
        balance: how several languages share the tokens: "parity", "none", or "" where shares were given.
    """

    version: str
    command: str
    base: str
    base_origin: str
    language: str
    language_name: str
    corpus: str
    family: str
    origin: Origin
    initializer: str
    seed: int
    old_tokens: int
    new_tokens: int
    pad_rows: int
    rows: int
    tied: bool
    target: Comparison
    base_language: Comparison
    claims: tuple[Claim, ...]
    hull_bound: float | None
    collisions: int
    unused: int
    dropped: int
    curve: tuple[CurvePoint, ...]
    paragraphs: tuple[TokenizedParagraph, ...]
    frequent: tuple[FrequentToken, ...]
    norms: tuple[Norms, ...]
    seconds: dict[str, float]
    kinds: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    factorised: Factorisation | None = None
    left_out: str = ""
    unread: tuple[str, ...] = ()
    nature: str = ""
    untied: bool = False
    rule: str = ""
    out: str = ""
    occurrences: tuple[int, ...] = ()
    boundaries: Boundaries | None = None
    weight: Weight | None = None
    trainable: bool = False
    sketch: str = ""
    budget: int | None = None
    quality: dict[str, Any] = field(default_factory=dict)
    languages: tuple[LanguageNumbers, ...] = ()
    attainable: tuple[Attainable, ...] = ()
    balance: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, ready for JSON."""
        data = dataclasses.asdict(self)
        data["passed"] = self.passed
        for text in ("target", "base_language"):
            data[text]["tokens_share"] = getattr(self, text).tokens_share
        for numbers, one in zip(data["languages"], self.languages, strict=True):
            numbers |= {"tokens_share": one.tokens_share, "floor": one.floor}
        return data
