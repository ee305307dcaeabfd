"""The numbers of a vocabulary transfer: the content of its report.json. There is no report.html."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from vocabx.evaluation.comparison import Comparison
from vocabx.report.claims import ClaimsReport
from vocabx.tokenizer.certificate import Claim


@dataclass(frozen=True)
class RowCounts:
    """How many token embeddings were initialized in which way.

    Attributes:
        copied: copied from one old embedding.
        mixed: mixed from several old embeddings.
        drawn: sampled around the mean of the old embeddings.
        mean: the mean itself, for tokens of which nothing is known and for ids without a token.
        special: special tokens among the copied.
        unknown: other tokens among the copied that got the embedding of the base's unknown token, because the
            base knows none of their characters.
    """

    copied: int
    mixed: int
    drawn: int
    mean: int
    special: int
    unknown: int


@dataclass(frozen=True)
class TransferReport(ClaimsReport):
    """Everything that report.json holds.

    Attributes:
        version: version of vocabx.
        command: the command line, or "" from Python.
        base, base_origin: the base as the user named it, and where it came from.
        tokenizer: the new tokenizer as the user named it.
        language, language_name: BCP 47 tag and English name.
        corpus: where the text comes from.
        base_family, family: families of the two tokenizers, such as "Unigram".
        initializer, seed: how the embeddings were initialized.
        old_tokens, tokens: sizes of the vocabularies.
        old_rows, rows, pad_rows: rows of the old and new embedding matrices, and padding rows among the new.
        tied: whether input embeddings and lm_head share one matrix.
        counts: how the embeddings were initialized, counted.
        target: base and result on the same held-out text; "extended" is the result.
        claims: what was checked on the written files.
        seconds: wall time of each stage, in order.
        rule: which of its two rules the initializer was applied by, in one sentence, or "" if it has one or
            both applied.
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
    rule: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, ready for JSON."""
        data = dataclasses.asdict(self)
        data["passed"] = self.passed
        data["target"]["tokens_share"] = self.target.tokens_share
        return data
