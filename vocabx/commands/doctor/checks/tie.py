"""Whether input embeddings and lm_head are tied: config.json compared with what is stored."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.configuration import is_tied, with_tie
from vocabx.checkpoint.manifest import read_manifest
from vocabx.checkpoint.tables import Table
from vocabx.commands.doctor.checkpoint_files import CheckpointFiles
from vocabx.commands.doctor.finding import Finding, counted
from vocabx.errors import BaseModelError

_ROWS = 1024


def check_tie(files: CheckpointFiles) -> list[Finding]:
    """Find a configuration that contradicts the stored matrices, or the base."""
    if files.weights is None or not files.config:
        return []
    return [*_fault(files), *_untied(files)]


def repair_tie(files: CheckpointFiles) -> CheckpointFiles:
    """The files with a configuration that matches what is stored."""
    if files.weights is None or not files.config or not _fault(files):
        return files
    return replace(files, config=with_tie(files.config, not _is_tied(files), files.architecture))


def _is_tied(files: CheckpointFiles) -> bool:
    assert files.weights is not None
    if files.architecture is not None and files.architecture.built:
        return files.architecture.tied
    return is_tied(files.config, files.weights.output is not None)


def _untied_on_purpose(files: CheckpointFiles) -> bool:
    """Whether vocabx.json records two matrices: `extend --untie` writes equal rows into both."""
    try:
        manifest = read_manifest(files.directory)
    except BaseModelError:
        # A damaged record is told by the check of records.
        return False
    return manifest is not None and manifest.tied is False


def _says_tied(files: CheckpointFiles) -> bool:
    """Whether a configuration of this type can express it at all: that of T5 cannot."""
    return files.architecture is None or files.architecture.says_tied


def _fault(files: CheckpointFiles) -> list[Finding]:
    assert files.weights is not None
    if not _says_tied(files):
        return []
    table, head, tied = files.weights.input, files.weights.output, _is_tied(files)
    if head is None:
        if tied:
            return []
        sentence = "config.json says that the lm_head is untied, but none is stored."
        return [
            Finding("no-head", "fatal", sentence, remedy="tie_word_embeddings becomes true.", repairable=True)
        ]
    if head.rows != table.rows or head.dtype != table.dtype:
        return []  # Sizes are checked elsewhere; an lm_head of another dtype was converted on purpose.
    different = _differing_rows(table, head)
    if tied and different:
        sentence = (
            f"config.json says that input embeddings and lm_head are tied, but they are stored apart and "
            f"differ in {counted(different, 'row')}: one of them is discarded on loading."
        )
        remedy = "tie_word_embeddings becomes false, so that both are used as stored."
        return [Finding("tie-lost", "wrong", sentence, different, remedy=remedy, repairable=True)]
    if not tied and not different and not _untied_on_purpose(files):
        sentence = "Input embeddings and lm_head are equal, but config.json says that they are not tied."
        remedy = "tie_word_embeddings becomes true: training and further extensions keep them tied."
        return [Finding("tie-lost", "wrong", sentence, table.rows, remedy=remedy, repairable=True)]
    return []


def _untied(files: CheckpointFiles) -> list[Finding]:
    """An untied model whose base is tied, unless vocabx untied it."""
    if not files.base_config or not is_tied(files.base_config, has_output=False) or _is_tied(files):
        return []
    if _untied_on_purpose(files):
        return []
    sentence = "Input embeddings and lm_head are tied in the base, but not in this model."
    remedy = "Unless this was intended, tie them in the training code before resizing."
    return [Finding("untied", "note", sentence, remedy=remedy)]


def _differing_rows(one: Table, other: Table) -> int:
    a, b = _bytes(one), _bytes(other)
    if a.shape != b.shape:
        return one.rows
    blocks = range(0, len(a), _ROWS)
    return sum(int((a[n : n + _ROWS] != b[n : n + _ROWS]).any(axis=1).sum()) for n in blocks)


def _bytes(table: Table) -> NDArray[np.uint8]:
    """The matrix as bytes, memory-mapped, (rows, bytes per row) uint8."""
    entry = table.file.tensors[table.name]
    shape = (table.rows, (entry.end - entry.begin) // max(1, table.rows))
    offset = table.file.data_start + entry.begin
    return np.memmap(table.file.path, dtype=np.uint8, mode="r", offset=offset, shape=shape)
