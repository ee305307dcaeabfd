"""What a replaced vocabulary is worth, in numbers: the content of its report.json. There is no page of it."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from vocabx.evaluation.comparison import Comparison
from vocabx.tokenizer.certificate import Certificate, Claim


@dataclass(frozen=True)
class RowCounts:
    """Where the rows of the tokens come from.

    Attributes:
        copied: one old row as it is.
        mixed: several old rows.
        drawn: sampled around the mean of the old rows.
        mean: the mean itself, where nothing is known of a token; ids without a token among them.
        special: of the copied, those of special tokens.
        unknown: of the copied, other tokens that have the row of the base's unknown token, because the base
            knows no character of them.
    """

    copied: int
    mixed: int
    drawn: int
    mean: int
    special: int
    unknown: int


@dataclass(frozen=True)
class TransferReport:
    """Everything that report.json holds.

    Attributes:
        version: of vocabx.
        command: the command line, or "" from Python.
        base, base_origin: what the user called the base, and where it came from.
        tokenizer: what the user called the new tokenizer.
        language, language_name: BCP 47 tag and English name.
        corpus: where the text comes from.
        base_family, family: of the two tokenizers, as "Unigram".
        initializer, seed: how rows were made.
        old_tokens, tokens: sizes of the vocabularies.
        old_rows, rows, pad_rows: heights of the tables, and how many of the new rows no text reaches.
        tied: whether input and output share one table.
        counts: where the rows come from.
        target: the two on the same held-out text; "extended" is the result.
        claims: what was checked of the files written.
        seconds: wall time of each stage, in order.
    """

    version: str
    command: str
    base: str
    base_origin: str
    tokenizer: str
    language: str
    language_name: str
    corpus: str
    base_family: str
    family: str
    initializer: str
    seed: int
    old_tokens: int
    tokens: int
    old_rows: int
    rows: int
    pad_rows: int
    tied: bool
    counts: RowCounts
    target: Comparison
    claims: tuple[Claim, ...]
    seconds: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether every required claim holds."""
        return Certificate(self.claims).passed

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, ready for JSON."""
        data = dataclasses.asdict(self)
        data["passed"] = self.passed
        data["target"]["tokens_share"] = self.target.tokens_share
        return data

    def to_json(self) -> str:
        """The content of report.json."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"
