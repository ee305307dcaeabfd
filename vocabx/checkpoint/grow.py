"""The extended copy of a checkpoint: old rows bit for bit, new rows after them, everything else unchanged."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vocabx._util.json_file import fit, is_there
from vocabx.checkpoint.configuration import with_rows, with_size
from vocabx.checkpoint.copying import carry_file
from vocabx.checkpoint.journal import Journal, whole_file
from vocabx.checkpoint.model_directory import REMEDY, read_object
from vocabx.checkpoint.safetensors_file import (
    DTYPES,
    INDEX,
    INTEGERS,
    SafetensorsFile,
    TensorEntry,
    read_header,
)
from vocabx.checkpoint.side_files import SideFiles, find_side_files
from vocabx.checkpoint.tables import Checkpoint, Table
from vocabx.checkpoint.untie import head_bytes, head_of
from vocabx.checkpoint.write_tensors import Kept, Made, NewTensor, changed, write_tensors
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import Initialization, Which
from vocabx.progress import Advance

# Rows written at once.
_BLOCK = 1024


class _Generation(msgspec.Struct, frozen=True):
    """What is read of a generation_config.json."""

    suppress_tokens: list[int] | None = None


def grow_checkpoint(
    checkpoint: Checkpoint,
    initialization: Initialization,
    target: Path,
    suppressed: range,
    advance: Advance = lambda done: None,
    link: bool = False,
    journal: Journal | None = None,
    untie: bool = False,
    produced: Collection[int] = (),
    decided: Initialization | None = None,
) -> None:
    """Write the weights and configuration of `checkpoint` with the rows of `initialization` after its own.

    Memory use is the rows that a block mixes, never a whole matrix.

    Args:
        checkpoint: the base.
        initialization: all new rows, padding included; applied once to each embedding matrix.
        target: an existing directory.
        suppressed: ids of padding rows, which generation must never produce.
        advance, link, journal, untie, decided: see `write_weights`.
        produced: ids that the base suppresses and the result must not; see `named_padding`.
    """
    rows = checkpoint.input.rows + initialization.rows
    write_weights(
        checkpoint, initialization, rows, target, advance,
        link=link, journal=journal, untie=untie, decided=decided,
    )  # fmt: skip
    tied = checkpoint.tied and not untie
    generation = read_generation_config(checkpoint.directory)
    # Logits that the base cuts off are there now, before those of the new tokens.
    cut = range(checkpoint.architecture.cut or checkpoint.input.rows, checkpoint.input.rows)
    write_generation_config(generation, checkpoint, target, [*cut, *suppressed], produced)
    carry_files(checkpoint, target)
    write_grown_config(checkpoint, rows, tied, target)


def write_grown_config(checkpoint: Checkpoint, rows: int, tied: bool, target: Path) -> None:
    """Write the config.json of `checkpoint` with `rows` rows."""
    settings = side_files_of(checkpoint).settings("config.json", checkpoint.config)
    write_config(checkpoint, settings, rows, tied, target)


def write_weights(
    checkpoint: Checkpoint,
    initialization: Initialization,
    rows: int,
    target: Path,
    advance: Advance = lambda done: None,
    *,
    kept: bool = True,
    link: bool = False,
    journal: Journal | None = None,
    untie: bool = False,
    decided: Initialization | None = None,
) -> None:
    """Write the weights of `checkpoint` with `rows` rows per embedding matrix, and the index if there is one.

    Every file is synced to disk before it gets its name. Files without an embedding matrix are copied by the
    kernel.

    Args:
        checkpoint: the base.
        initialization: the rows that follow the old ones, or replace them.
        rows: number of rows of the embedding matrices.
        target: an existing directory.
        advance: called with bytes written.
        kept: whether the old rows stay, before the new ones.
        link: make files without an embedding matrix hard links to the base's, if the file system allows it.
        journal: the journal of `target`; complete files are not written again.
        untie: give a tied base an lm_head of its own: the bytes of its input embeddings, and the output rows
            of `initialization`; see `check_untiable`.
        decided: what a resumed run must share with the one that began, if that is less than
            `initialization`: its complete files stay.
    """
    if checkpoint.tied and not untie:
        initialization = initialization.tied()
        decided = decided.tied() if decided is not None else None
    if journal is not None:
        journal.begin(_job(checkpoint, decided or initialization, rows, kept, untie))
    changes = _changes(checkpoint, initialization, rows, kept, untie)
    write_changed(checkpoint, changes, target, advance, link, journal)


def write_changed(
    checkpoint: Checkpoint,
    changes: Mapping[Path, Mapping[str, NewTensor | None]],
    target: Path,
    advance: Advance = lambda done: None,
    link: bool = False,
    journal: Journal | None = None,
) -> None:
    """Write the weight files of `checkpoint` with some tensors changed, and the index if there is one.

    Args:
        checkpoint: the base.
        changes: the changed tensors, by file path and tensor name.
        target, advance: see `write_weights`.
        link: make unchanged files hard links to the base's, if the file system allows it.
        journal: the journal of `target`, begun; complete files are not written again.
    """
    for file in checkpoint.files:
        path = target / file.path.name
        if journal is not None and path.name in journal.whole:
            advance(journal.whole[path.name])
            continue
        with whole_file(path, journal) as part:
            if file.path in changes:
                write_tensors(part, changed(file, changes[file.path]), file.metadata, advance)
            else:
                carry_file(file.path, part, link, advance)
    # Even a single shard may have an index, and a file name that only the index reveals.
    if (checkpoint.directory / INDEX).is_file():
        _write_index(checkpoint, target)


def files_with_tables(checkpoint: Checkpoint) -> tuple[SafetensorsFile, ...]:
    """The weight files that a new vocabulary changes."""
    tables = {table.file.path for table in checkpoint.tables}
    return tuple(file for file in checkpoint.files if file.path in tables)


def carry_files(checkpoint: Checkpoint, target: Path) -> SideFiles:
    """Copy the other files that belong to the result; see `find_side_files`."""
    side = side_files_of(checkpoint)
    for name in side.carried:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if name in side.without_code:
            write_json(target / name, side.settings(name, read_object(checkpoint.directory / name)))
        else:
            shutil.copyfile(checkpoint.directory / name, target / name)
    return side


def side_files_of(checkpoint: Checkpoint) -> SideFiles:
    """The files beside the weights of a base; see `find_side_files`."""
    weights = frozenset(file.path.name for file in checkpoint.files)
    quantised = bool(checkpoint.quantisation)
    return find_side_files(checkpoint.directory, checkpoint.input.rows, weights, quantised)


def grown_bytes(checkpoint: Checkpoint, new_rows: int, link: bool = False, untie: bool = False) -> int:
    """Bytes of weights that `grow_checkpoint` writes for `new_rows` rows, without linked files."""
    files = files_with_tables(checkpoint) if link else checkpoint.files
    total = sum(file.path.stat().st_size for file in files)
    for table in checkpoint.tables:
        entry = table.file.tensors[table.name]
        missing = checkpoint.input.rows - table.rows
        total += (entry.end - entry.begin) // table.rows * (new_rows + missing)
    if untie and checkpoint.output is None:
        total += head_bytes(checkpoint, checkpoint.input.rows + new_rows)
    return total


def write_config(checkpoint: Checkpoint, config: dict[str, Any], rows: int, tied: bool, target: Path) -> None:
    """Write `config` as the config.json of a result; see `with_rows`.

    That of a model without an lm_head keeps what it says of tying, which concerns no matrix.
    """
    found = checkpoint.architecture
    resized = with_size(config, rows, found) if checkpoint.headless else with_rows(config, rows, tied, found)
    write_json(target / "config.json", resized)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as readable JSON: indented, keys in their order, Unicode unescaped."""
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )


def _job(checkpoint: Checkpoint, initialization: Initialization, rows: int, kept: bool, untie: bool) -> str:
    """Everything that determines the bytes of the weight files; the base by size and time, not by content."""
    stats = [(file.path.name, file.path.stat()) for file in checkpoint.files]
    base = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    job = (base, initialization.digest(), rows, kept, *(["untied"] if untie else []))
    return hashlib.sha256(repr(job).encode()).hexdigest()


def _changes(
    checkpoint: Checkpoint, initialization: Initialization, rows: int, kept: bool, untie: bool
) -> dict[Path, dict[str, NewTensor | None]]:
    """The embedding matrices to write, by file."""
    old_rows = checkpoint.input.rows
    changes: dict[Path, dict[str, NewTensor | None]] = {}

    def change(file: SafetensorsFile, name: str, which: Which, table: Table) -> None:
        """Write the tensor `name` of `file`: the rows of `table`, and its new ones."""
        own = initialization if table.rows >= old_rows else initialization.folding(table.rows)
        made = Made(_rows_of(own, which, table))
        lacking = (Made(_first_row(table, old_rows - table.rows)),) if table.rows < old_rows else ()
        parts = (Kept(table.file, table.name), *lacking, made) if kept else (made,)
        changes.setdefault(file.path, {})[name] = NewTensor(table.dtype, table.shape_with(rows), parts)

    for table in checkpoint.tables:
        change(table.file, table.name, checkpoint.kind_of(table), table)
    if untie:
        heads = [head_of(checkpoint), *((table.file, table.name) for table in checkpoint.output_copies)]
        for file, name in heads:
            change(file, name, "output", checkpoint.input)
    return changes


def _rows_of(
    initialization: Initialization, which: Which, table: Table
) -> Callable[[], Iterator[NDArray[Any]]]:
    flat = table.is_lying or len(table.file.tensors[table.name].shape) == 1

    def blocks() -> Iterator[NDArray[Any]]:
        old_table = table.map()
        new, old = initialization.copied(which)
        start = 0
        for block in initialization.blocks(which, old_table):
            # Overflow to infinity in 16 bits would be silent; a convex combination cannot overflow.
            rows = block.astype((DTYPES | INTEGERS)[table.dtype])
            # A sum would lose the sign of zero and, in float32, half of a float64, so these rows are copied.
            part = slice(*np.searchsorted(new, (start, start + len(rows))))
            rows[new[part] - start] = old_table[old[part]]
            start += len(rows)
            yield rows[:, 0] if flat else np.ascontiguousarray(rows)

    return blocks


def _first_row(table: Table, count: int) -> Callable[[], Iterator[NDArray[Any]]]:
    """The first row `count` times: what a class looks up for ids that the matrix lacks."""

    def blocks() -> Iterator[NDArray[Any]]:
        for start in range(0, count, _BLOCK):
            yield np.repeat(table.map()[:1], min(_BLOCK, count - start), axis=0)

    return blocks


def _write_index(checkpoint: Checkpoint, target: Path) -> None:
    """The base's index with updated sizes, and the tensors that the files hold."""
    index = read_object(checkpoint.directory / INDEX)
    before = [entry for file in checkpoint.files for entry in file.tensors.values()]
    written = [read_header(target / file.path.name) for file in checkpoint.files]
    after = [entry for file in written for entry in file.tensors.values()]
    metadata = {**(index.get("metadata") or {}), "total_size": sum(e.end - e.begin for e in after)}
    if isinstance(metadata.get("total_parameters"), int):
        metadata["total_parameters"] += _elements(after) - _elements(before)
    weight_map = {name: file.path.name for file in written for name in file.tensors}
    write_json(target / INDEX, {**index, "metadata": metadata, "weight_map": weight_map})


def _elements(entries: Sequence[TensorEntry]) -> int:
    return sum(math.prod(entry.shape) for entry in entries)


def read_generation_config(directory: Path) -> dict[str, Any] | None:
    """The generation_config.json of a directory, or None where there is none.

    Raises:
        BaseModelError: if it is damaged.
    """
    path = directory / "generation_config.json"
    if not is_there(path):
        return None
    config = read_object(path)
    fit(path, config, _Generation, BaseModelError, REMEDY)
    return config


def write_generation_config(
    config: dict[str, Any] | None,
    checkpoint: Checkpoint,
    target: Path,
    suppressed: Sequence[int],
    produced: Collection[int] = (),
) -> None:
    """Write `config` with ids that must never be produced; without a `config`, only if there are such ids.

    Args:
        config: the base's generation_config.json, None if there is none.
        checkpoint: the base.
        target: an existing directory.
        suppressed: the ids.
        produced: ids that `config` suppresses and must not.
    """
    if config is None and not (suppressed and checkpoint.generates):
        return
    config = dict(config or {})
    # transformers regenerates files that claim to come from the model configuration, which would lose this.
    config.pop("_from_model_config", None)
    before = {*(config.get("suppress_tokens") or ())}
    if suppressed or before.intersection(produced):
        config["suppress_tokens"] = sorted((before - {*produced}) | {*suppressed})
    write_json(target / "generation_config.json", config)
