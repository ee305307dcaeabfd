"""One extension of a tokenizer as a row of a table: what it brings, and what its certificate counted."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import Result, finish, machine

from vocabx.corpus.sample import Corpus
from vocabx.evaluation.fertility import count_tokens, count_unknown
from vocabx.progress import Quiet
from vocabx.tokenizer.adversarial import ADVERSARIAL_COUNT
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.certificate import Certificate
from vocabx.tokenizer.extension import Extension, TokenRequest, extend_tokenizer
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.verify import Texts, verify
from vocabx.tokenizer.write import write_tokenizer

# Claims whose failures should be none, by the heading of their column.
SHOULD_BE_ZERO = {
    "base tokens moved": "base-ids",
    "base tokens no longer reached": "base-reachable",
    "English lines changed": "base-text",
    "adversarial strings changed": "other-text",
    "round trips lost": "round-trip",
    "new tokens never reached": "reachable",
    "SentencePiece disagrees": "sentencepiece",
    "transformers disagrees": "transformers",
    "special tokens changed": "special-tokens",
    "new tokens unused": "used",
}


@dataclass(frozen=True)
class Measured:
    """An extension, its certificate, and the figures of a table's row."""

    extension: Extension
    certificate: Certificate
    row: dict[str, Any]

    def failed(self, name: str) -> str:
        """How many cases of a claim failed, of how many; "-" where nothing was claimed."""
        found = [claim for claim in self.certificate.claims if claim.name == name]
        return f"{found[0].failed} of {found[0].checked:,}" if found else "-"

    def failures(self, claims: Mapping[str, str] = SHOULD_BE_ZERO) -> dict[str, str]:
        """`failed` of each of `claims`, by heading."""
        return {heading: self.failed(claim) for heading, claim in claims.items()}

    def examples(self) -> dict[str, list[str]]:
        """Counterexamples by claim."""
        return {claim.name: list(claim.examples) for claim in self.certificate.claims if claim.failed}


def add_adversarial_option(parser: argparse.ArgumentParser) -> None:
    """Add `--adversarial`, as `vocabx extend` has it."""
    parser.add_argument(
        "--adversarial",
        type=int,
        default=ADVERSARIAL_COUNT,
        help=f"adversarial strings to verify on; default: {ADVERSARIAL_COUNT:,}",
    )


def measure(
    path: Path | None,
    base: FastTokenizer,
    corpus: Corpus,
    english: Sequence[str],
    alphabet: Alphabet,
    request: TokenRequest,
    adversarial: int = ADVERSARIAL_COUNT,
) -> Measured:
    """Extend `base` and verify it as `vocabx extend` does.

    Without the `path` of the base what transformers makes of the written files is left out.
    """
    start = time.perf_counter()
    extension = extend_tokenizer(base, corpus.learning, alphabet, request, base.size, Quiet())
    extended = time.perf_counter()
    texts = Texts([*corpus.heldout, *corpus.learning], english, request.protected, adversarial=adversarial)
    with TemporaryDirectory() as written:
        directories = (path, Path(written)) if path else None
        if path:
            write_tokenizer(extension.tokenizer, path, Path(written))
        certificate = verify(base, extension.tokenizer, alphabet, texts, directories)
    verified = time.perf_counter()
    before, after = (count_tokens(tokenizer, corpus.heldout) for tokenizer in (base, extension.tokenizer))
    row = {
        "new tokens": len(extension.pieces),
        "tokens": f"{before:,} → {after:,}",
        "ratio": round(after / before, 4),
        "unknown": " → ".join(f"{count_unknown(t, corpus.heldout):,}" for t in (base, extension.tokenizer)),
        "extend s": round(extended - start, 1),
        "verify s": round(verified - extended, 1),
    }
    failed = [claim.name for claim in certificate.claims if claim.failed]
    print(base.family, row, "failed:", failed, file=sys.stderr)
    return Measured(extension, certificate, row)


def finish_table(out: Path, name: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> Result:
    """Write NAME.json and print it, then its rows as the table of results/README.md."""
    result = finish(out, name, {"machine": machine(), **more, "rows": list(rows)})
    columns = list(rows[0])
    print("\n| " + " | ".join(columns) + " |\n|---" + "|---:" * (len(columns) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |")
    return result


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
