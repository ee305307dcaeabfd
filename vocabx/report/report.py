"""What one extension is worth, in numbers: the content of report.json. Draws nothing and measures nothing."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from vocabx.tokenizer.verify import Claim


@dataclass(frozen=True)
class Measure:
    """One tokenizer, and its model, on one text.

    Attributes:
        tokens: the text's length in tokens.
        characters_per_token: characters (code points) of the text over tokens.
        bits_per_byte: -log2 p(text) over its UTF-8 bytes, or None when it was not measured.
        bits_per_byte_start: the same over the first 1,000 bytes of each passage.
        encode_speed: characters encoded a second on this machine.
    """

    tokens: int
    characters_per_token: float
    bits_per_byte: float | None
    bits_per_byte_start: float | None
    encode_speed: float


@dataclass(frozen=True)
class Comparison:
    """The base and the extended model on the same held-out text.

    Attributes:
        language: BCP 47 tag of the text.
        source: where the text comes from.
        characters, bytes: its size.
        scored_bytes: UTF-8 bytes of it that bits per byte were measured on; 0 when they were not.
        base, extended: the two measures.
    """

    language: str
    source: str
    characters: int
    bytes: int
    scored_bytes: int
    base: Measure
    extended: Measure

    @property
    def tokens_share(self) -> float:
        """Tokens of the extended tokenizer over the base's: below 1 is shorter."""
        return self.extended.tokens / max(1, self.base.tokens)


@dataclass(frozen=True)
class CurvePoint:
    """Length of the held-out text, as a share of the base's tokens, had `new_tokens` been bought."""

    new_tokens: int
    tokens_share: float


@dataclass(frozen=True)
class Piece:
    """One token of a paragraph: its text (hexadecimal bytes when not whole characters) and origin."""

    text: str
    new: bool
    whole: bool


@dataclass(frozen=True)
class CutParagraph:
    """One paragraph cut by both tokenizers."""

    base: tuple[Piece, ...]
    extended: tuple[Piece, ...]


@dataclass(frozen=True)
class FrequentToken:
    """A new token, how often the held-out text holds it, and the old tokens that it is made of."""

    id: int
    token: Piece
    count: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Norms:
    """Distribution of the Euclidean norms of the rows of one table.

    Attributes:
        table: "input" or "output".
        edges: bin edges, one more than the counts.
        old, new: rows in each bin.
    """

    table: str
    edges: tuple[float, ...]
    old: tuple[int, ...]
    new: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """Everything that report.json holds and report.html shows.

    Attributes:
        version: of vocabx.
        command: the command line, or "" from Python.
        base, base_origin: what the user called the base, and where it came from.
        language, language_name: BCP 47 tag and English name.
        corpus: one line that says what text the tokens were learned from.
        initializer, seed: how new rows were made.
        old_tokens, new_tokens, pad_rows, rows: sizes; rows is the new tables' height.
        tied: whether input and output share one table.
        target, base_language: held-out comparisons.
        claims: the certificate.
        hull_bound: nats, upper bound on KL(old ‖ new) after old tokens, pad rows included; None when rows
            were drawn.
        collisions: new rows equal to another new row.
        unused: new tokens that the learning text never holds.
        dropped: learned tokens that were not bought because nothing used them.
        curve: held-out length against number of new tokens.
        paragraphs: the same paragraphs cut by both.
        frequent: the most frequent new tokens of the held-out text.
        norms: one for each table.
        seconds: wall time of each stage, in order.
    """

    version: str
    command: str
    base: str
    base_origin: str
    language: str
    language_name: str
    corpus: str
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
    paragraphs: tuple[CutParagraph, ...]
    frequent: tuple[FrequentToken, ...]
    norms: tuple[Norms, ...]
    seconds: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether every required claim holds."""
        return not any(claim.failed for claim in self.claims if claim.required)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, ready for JSON."""
        data = dataclasses.asdict(self)
        data["passed"] = self.passed
        for text in ("target", "base_language"):
            data[text]["tokens_share"] = getattr(self, text).tokens_share
        return data

    def to_json(self) -> str:
        """The content of report.json."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"
