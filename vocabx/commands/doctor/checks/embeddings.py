"""The rows of new tokens: NaN or Inf, and rows that are all nearly the same."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.safetensors_file import DTYPES
from vocabx.checkpoint.tables import Table
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, counted, first

_CHUNK = 4096
# Number of rows to compare, evenly spread.
_SAMPLE = 512
_LAST = 256
_NEARLY_EQUAL = 0.99


def check_rows(files: CheckpointFiles) -> list[Finding]:
    """Look for rows with NaN or Inf, and measure how similar the new rows are."""
    if files.weights is None:
        return []
    tables = [table for table in files.weights.tables if table.dtype in DTYPES]
    findings = [finding for table in tables for finding in _broken(table, files)]
    for table in tables:
        if table not in files.weights.biases and not findings:
            findings += _alike(table, files)
    return findings


def _broken(table: Table, files: CheckpointFiles) -> list[Finding]:
    mapped = table.map()
    bad: list[int] = []
    for start in range(0, len(mapped), _CHUNK):
        finite = np.isfinite(np.asarray(mapped[start : start + _CHUNK], dtype=np.float32)).all(axis=1)
        bad += [start + int(row) for row in np.flatnonzero(~finite)]
    if not bad:
        return []
    written = files.tokenizer.id_to_piece if files.tokenizer is not None else {}
    sentence = f"NaN or Inf in {table.name}: {counted(len(bad), 'row')}."
    examples = first(f"{written.get(row, 'no token')} (id {row})" for row in bad)
    remedy = "Initialize these rows again in the training code, for example with a mean, and train again."
    return [Finding("not-finite", "fatal", sentence, len(bad), examples, remedy)]


def _alike(table: Table, files: CheckpointFiles) -> list[Finding]:
    mapped, tokenizer = table.map(), files.tokenizer
    new = [index for index in files.new.ids if index < len(mapped)]
    last = len(mapped) if tokenizer is None else min(len(mapped), tokenizer.tokens_end)
    looked_at: Iterable[int] = new if len(new) > 1 else range(max(0, last - _LAST), last)
    old = range(max(1, min(looked_at, default=1)))
    here, there = mean_cosine(mapped, list(looked_at)), mean_cosine(mapped, list(old))
    alike = here > max(_NEARLY_EQUAL, there)
    if not alike and len(new) <= 1:
        return []
    what = f"{len(new):,} new rows" if len(new) > 1 else f"last {len(list(looked_at)):,} rows"
    sentence = f"The {what} of {table.name} have a mean cosine of {here:.4f}; those before have {there:.4f}."
    remedy = (
        "They are almost identical, as after a resize in transformers: until trained, the model cannot tell "
        "the new tokens apart. Rows mixed from the old pieces of each token (vocabx extend) differ at once."
    )
    return [Finding("new-rows", "note", sentence, len(list(looked_at)), remedy=remedy if alike else "")]


def mean_cosine(table: NDArray[Any], rows: list[int]) -> float:
    """The mean cosine between two different rows of `rows`, computed on at most 512 of them.

    Args:
        table: (rows, width), of any float dtype.
        rows: indices of the rows to compare.
    """
    chosen = [rows[n * len(rows) // _SAMPLE] for n in range(_SAMPLE)] if len(rows) > _SAMPLE else rows
    if len(chosen) < 2:
        return 0.0
    vectors = np.asarray(table[chosen], dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.where(lengths == 0, 1, lengths)
    whole = float((units.sum(axis=0) ** 2).sum())
    return (whole - float((units**2).sum())) / (len(chosen) * (len(chosen) - 1))
