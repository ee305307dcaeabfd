"""A factorized checkpoint as a dense one: each embedding matrix multiplied out, E = F P.

Products are computed in float32 and rounded once to the dtype of the factors. Every other tensor keeps its
bytes. The result is of transformers' own class, so that whatever reads dense checkpoints reads it.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vocabx._util.links import copy_folder
from vocabx._util.version import VERSION
from vocabx.checkpoint.factorised import CODE, dense_config, is_factorised, primitives_by_name, rows_of
from vocabx.checkpoint.grow import carry_files, write_changed, write_json
from vocabx.checkpoint.hashing import table_bytes, table_hashes
from vocabx.checkpoint.manifest import (
    DOCUMENTS,
    composed_hashes,
    read_manifest,
    records_of,
    run_record,
)
from vocabx.checkpoint.read_checkpoint import read_checkpoint
from vocabx.checkpoint.safetensors_file import DTYPES, INDEX
from vocabx.checkpoint.side_files import COMPOSED, TEMPLATES
from vocabx.checkpoint.staging import check_free, check_space, staged
from vocabx.checkpoint.tables import Checkpoint, Table
from vocabx.checkpoint.write_tensors import Made, NewTensor
from vocabx.errors import BaseModelError, OutputError
from vocabx.progress import Progress, Quiet, Timed

_ROWS = 8192
_TRAINING = "training.json"
_FLAG = "--dense"


@dataclass(frozen=True)
class DenseResult:
    """A dense checkpoint that was written.

    Attributes:
        path: its directory.
        matrices: number of embedding matrices.
        rows, width: their shape.
        rank: the rank of the factors that were multiplied.
        bytes: size of its weight files.
    """

    path: Path
    matrices: int
    rows: int
    width: int
    rank: int
    bytes: int


def export_dense(
    directory: Path, out: Path, progress: Progress | None = None, command: str = ""
) -> DenseResult:
    """Multiply out the embedding matrices of a factorized checkpoint, and write it as a dense one.

    Tokenizer, card and records are carried along; vocabx.json gets the sha256 of the new files. Rows are
    computed in chunks.

    Args:
        directory: a factorized checkpoint.
        out: the directory to write; must not exist, or be empty.
        progress: receives the stages.
        command: the command line, for vocabx.json.

    Raises:
        BaseModelError: there is no such checkpoint, or it is dense already.
        OutputError: the directory cannot be written, or a product is too large for its dtype.
    """
    timed = Timed(progress or Quiet())
    if not directory.is_dir():
        raise BaseModelError(f"{directory} is not a directory: pass a factorized checkpoint")
    checkpoint = read_checkpoint(directory)
    primitives = primitives_by_name(checkpoint)
    if not is_factorised(checkpoint.config) or not primitives:
        raise BaseModelError(f"{directory} is dense already: leave out {_FLAG}")
    _check_target(out)
    changes: dict[Path, dict[str, NewTensor | None]] = {}
    for table in checkpoint.tables:
        if table.name in primitives:
            mine = changes.setdefault(table.file.path, {})
            mine[table.name] = _product(table)
            mine[primitives[table.name].name] = None
    size = _bytes(checkpoint, changes)
    check_space(out, size)
    with staged(out, timed.note) as target:
        with timed.stage("Multiplying out", size, "B") as advance:
            write_changed(checkpoint, changes, target, advance)
        checkpoint.require_unchanged()
        _carry(checkpoint, target)
        _write_manifest(checkpoint, changes, target, timed, command)
    written = read_checkpoint(out)
    rows, width = written.input.map().shape
    rank = int(checkpoint.input.map().shape[1])
    return DenseResult(out, len(primitives), rows, width, rank, written.weight_bytes)


def _check_target(out: Path) -> None:
    try:
        check_free(out)
    except OutputError as error:
        # This command has an option of its own for the directory.
        raise OutputError(str(error).replace("--out", _FLAG)) from None


def _product(table: Table) -> NewTensor:
    rows, dtype = rows_of(table), DTYPES[table.dtype]

    def blocks() -> Iterator[NDArray[Any]]:
        for start in range(0, table.rows, _ROWS):
            with np.errstate(over="ignore"):
                block = np.ascontiguousarray(rows[start : start + _ROWS].astype(dtype))
            if not np.isfinite(block.astype(np.float32)).all():
                raise OutputError(
                    f"{table.file.path}: the product of {table.name} and its primitives holds NaN, or "
                    f"numbers too large for {table.dtype}: train again from an earlier checkpoint"
                )
            yield block

    return NewTensor(table.dtype, rows.shape, (Made(blocks),))


def _bytes(checkpoint: Checkpoint, changes: dict[Path, dict[str, NewTensor | None]]) -> int:
    """Size of the weight files of the result."""
    total = checkpoint.weight_bytes
    for file in checkpoint.files:
        for name, tensor in changes.get(file.path, {}).items():
            total -= file.tensors[name].end - file.tensors[name].begin
            if tensor is not None:
                total += int(np.prod(tensor.shape)) * np.dtype(DTYPES[tensor.dtype]).itemsize
    return total


def _carry(checkpoint: Checkpoint, target: Path) -> None:
    """Copy tokenizer, card, reports and records, and write a configuration of transformers' own class."""
    base = checkpoint.directory
    carry_files(checkpoint, target)
    for name in (*COMPOSED, *DOCUMENTS, _TRAINING):
        if name not in (INDEX, CODE) and (base / name).is_file():
            shutil.copyfile(base / name, target / name)
    copy_folder(base, TEMPLATES, target, BaseModelError)
    (target / CODE).unlink(missing_ok=True)
    write_json(target / "config.json", dense_config(checkpoint.config))


def _write_manifest(
    checkpoint: Checkpoint,
    changes: dict[Path, dict[str, NewTensor | None]],
    target: Path,
    timed: Timed,
    command: str,
) -> None:
    """Write vocabx.json, if there is one, with the sha256 of the written files and the dense form."""
    before = read_manifest(checkpoint.directory)
    if before is None:
        return
    written = read_checkpoint(target)
    changed = {path.name for path in changes}
    changed |= {name for name, shard in before.shards.items() if shard.rewritten}
    hashed = any(shard.sha256 is not None for shard in before.shards.values())
    with timed.stage("Hashing", table_bytes(written) + written.weight_bytes * hashed, "B") as advance:
        tables = table_hashes(written, advance)
        shards = records_of(written, changed, hashed, advance)
    replace, initializer = msgspec.structs.replace, before.initializer
    if initializer is not None:
        initializer = replace(initializer, form="dense", rank=None, balance=None, errors=None)
    replace(
        before,
        version=VERSION,
        initializer=initializer,
        tables=tables,
        files=composed_hashes(target),
        run=run_record(command, timed.seconds, target),
        shards=shards,
    ).write(target)
