"""The grown copy of a checkpoint: old rows bit for bit, new rows after them, everything else untouched."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vocabx._util.json_file import fit, is_there
from vocabx.checkpoint.configuration import with_rows
from vocabx.checkpoint.copying import carry_file
from vocabx.checkpoint.journal import Journal, whole_file
from vocabx.checkpoint.model_directory import REMEDY, read_object
from vocabx.checkpoint.safetensors_file import DTYPES, SafetensorsFile, TensorEntry, read_header
from vocabx.checkpoint.tables import INDEX, Checkpoint, Table
from vocabx.checkpoint.write_tensors import Kept, Made, NewTensor, changed, write_tensors
from vocabx.errors import BaseModelError
from vocabx.mixture.initialization import Initialization, Which

# The configuration and tokenizer of a checkpoint, written for it and named in its manifest.
COMPOSED = (
    "config.json", "generation_config.json", INDEX, "tokenizer.json", "tokenizer_config.json",
    "chat_template.jinja", "special_tokens_map.json", "tokenizer.model", "vocab.txt",
    "modeling_factorised.py",
)  # fmt: skip
# Of the base's: stale beside a newer tokenizer.json, or about the base and not about its extension.
_LEFT_OUT = {
    "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model", "vocabx.json", "report.json",
    "training.json",
}  # fmt: skip
_CARRIED = ("*.json", "LICENSE*", "NOTICE*", "USE_POLICY*")


class _Generation(msgspec.Struct, frozen=True):
    """What is read of a generation_config.json."""

    suppress_tokens: list[int] | None = None


def grow_checkpoint(
    checkpoint: Checkpoint,
    initialization: Initialization,
    target: Path,
    suppressed: range,
    advance: Callable[[float], None] = lambda done: None,
    link: bool = False,
    journal: Journal | None = None,
) -> None:
    """Write the weights and configuration of `checkpoint` with the rows of `placement` after its own.

    Memory is the rows that a block mixes, never a table.

    Args:
        checkpoint: the base.
        placement: one row for each new table row, pad rows included; applied once to each table.
        target: an existing directory.
        suppressed: ids of pad rows, which generation must never produce.
        advance, link, journal: see `write_weights`.
    """
    rows = checkpoint.input.rows + initialization.rows
    write_weights(checkpoint, initialization, rows, target, advance, link=link, journal=journal)
    write_json(target / "config.json", with_rows(checkpoint.config, rows, checkpoint.tied))
    write_generation_config(read_generation_config(checkpoint.directory), checkpoint, target, suppressed)
    carry_files(checkpoint, target)


def write_weights(
    checkpoint: Checkpoint,
    initialization: Initialization,
    rows: int,
    target: Path,
    advance: Callable[[float], None] = lambda done: None,
    *,
    kept: bool = True,
    link: bool = False,
    journal: Journal | None = None,
) -> None:
    """Write the weights of `checkpoint` with tables of `rows` rows, and their index where there is one.

    Every file is on the disk before it gets its name. Files without a table never pass through Python.

    Args:
        checkpoint: the base.
        placement: the rows that follow the old ones, or stand in their place.
        rows: height of the tables.
        target: an existing directory.
        advance: called with bytes written.
        kept: whether the old rows stay, before the others.
        link: make files without a table hard links to the base's, where the file system has those.
        journal: of `target`; its whole files are not written again.
    """
    if journal is not None:
        journal.begin(_job(checkpoint, initialization, rows, kept))
    write_changed(
        checkpoint, _changes(checkpoint, initialization, rows, kept), target, advance, link, journal
    )


def write_changed(
    checkpoint: Checkpoint,
    changes: Mapping[Path, Mapping[str, NewTensor | None]],
    target: Path,
    advance: Callable[[float], None] = lambda done: None,
    link: bool = False,
    journal: Journal | None = None,
) -> None:
    """Write the weight files of `checkpoint` with some tensors changed, and their index where there is one.

    Args:
        checkpoint: the base.
        changes: the changed tensors of each file that has some, by its path and their names.
        target, advance: see `write_weights`.
        link: make other files hard links to the base's, where the file system has those.
        journal: of `target`, begun; its whole files are not written again.
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
    # One shard may have an index too, and a name that is found by nothing else.
    if (checkpoint.directory / INDEX).is_file():
        _write_index(checkpoint, target)


def files_with_tables(checkpoint: Checkpoint) -> tuple[SafetensorsFile, ...]:
    """The weight files that a new vocabulary changes."""
    tables = {table.file.path for table in checkpoint.tables}
    return tuple(file for file in checkpoint.files if file.path in tables)


def carry_files(checkpoint: Checkpoint, target: Path) -> None:
    """Copy what goes along with the weights as it is: licences, notices and further settings."""
    carried = {path for pattern in _CARRIED for path in checkpoint.directory.glob(pattern)}
    for path in sorted(carried):
        if (
            path.is_file()
            and path.name not in {*COMPOSED, *_LEFT_OUT}
            and not path.name.endswith(".index.json")
        ):
            shutil.copyfile(path, target / path.name)


def grown_bytes(checkpoint: Checkpoint, new_rows: int, link: bool = False) -> int:
    """Bytes of weights that `grow_checkpoint` writes for `new_rows` rows; what is linked takes none."""
    files = files_with_tables(checkpoint) if link else checkpoint.files
    total = sum(file.path.stat().st_size for file in files)
    for table in checkpoint.tables:
        entry = table.file.tensors[table.name]
        total += (entry.end - entry.begin) // table.rows * new_rows
    return total


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON for people: indented, keys in order, Unicode as it is."""
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )


def _job(checkpoint: Checkpoint, initialization: Initialization, rows: int, kept: bool) -> str:
    """What decides the bytes of the weight files; the base by sizes and times, for reading it takes long."""
    stats = [(file.path.name, file.path.stat()) for file in checkpoint.files]
    base = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return hashlib.sha256(repr((base, initialization.digest(), rows, kept)).encode()).hexdigest()


def _changes(
    checkpoint: Checkpoint, initialization: Initialization, rows: int, kept: bool
) -> dict[Path, dict[str, NewTensor | None]]:
    """The tables as they are to be written, by file."""
    changes: dict[Path, dict[str, NewTensor | None]] = {}
    for table in checkpoint.tables:
        made = Made(_rows_of(initialization, checkpoint.kind_of(table), table))
        parts = (Kept(table.file, table.name), made) if kept else (made,)
        shape = (rows, *table.file.tensors[table.name].shape[1:])
        changes.setdefault(table.file.path, {})[table.name] = NewTensor(table.dtype, shape, parts)
    return changes


def _rows_of(
    initialization: Initialization, which: Which, table: Table
) -> Callable[[], Iterator[NDArray[Any]]]:
    flat = len(table.file.tensors[table.name].shape) == 1

    def blocks() -> Iterator[NDArray[Any]]:
        old_table = table.map()
        new, old = initialization.copied(which)
        start = 0
        for block in initialization.blocks(which, old_table):
            # Overflow to infinity in a 16-bit table would be silent; a convex mean cannot overflow.
            rows = block.astype(DTYPES[table.dtype])
            # A sum loses the sign of a zero, and float32 half of a float64: what is copied is copied.
            part = slice(*np.searchsorted(new, (start, start + len(rows))))
            rows[new[part] - start] = old_table[old[part]]
            start += len(rows)
            yield rows[:, 0] if flat else np.ascontiguousarray(rows)

    return blocks


def _write_index(checkpoint: Checkpoint, target: Path) -> None:
    """The base's index with the sizes of now; which file holds a tensor has not changed."""
    index = read_object(checkpoint.directory / INDEX)
    before = [entry for file in checkpoint.files for entry in file.tensors.values()]
    after = [
        entry for file in checkpoint.files for entry in read_header(target / file.path.name).tensors.values()
    ]
    metadata = {**(index.get("metadata") or {}), "total_size": sum(e.end - e.begin for e in after)}
    if isinstance(metadata.get("total_parameters"), int):
        metadata["total_parameters"] += _elements(after) - _elements(before)
    write_json(target / INDEX, {**index, "metadata": metadata})


def _elements(entries: Sequence[TensorEntry]) -> int:
    return sum(math.prod(entry.shape) for entry in entries)


def read_generation_config(directory: Path) -> dict[str, Any] | None:
    """The generation_config.json of a directory, or None where there is none.

    Raises:
        BaseModelError: it is damaged.
    """
    path = directory / "generation_config.json"
    if not is_there(path):
        return None
    config = read_object(path)
    fit(path, config, _Generation, BaseModelError, REMEDY)
    return config


def write_generation_config(
    config: dict[str, Any] | None, checkpoint: Checkpoint, target: Path, suppressed: Sequence[int]
) -> None:
    """Write `config` with ids that must never be produced; without one only where there are such ids."""
    if config is None and not (suppressed and checkpoint.generates):
        return
    config = dict(config or {})
    # A file that claims to come from the model's configuration is made anew on load, and would lose this.
    config.pop("_from_model_config", None)
    if suppressed:
        config["suppress_tokens"] = sorted({*(config.get("suppress_tokens") or ()), *suppressed})
    write_json(target / "generation_config.json", config)
