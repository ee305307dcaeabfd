"""The grown copy of a checkpoint: old rows bit for bit, new rows after them, everything else untouched."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx.checkpoint.safetensors_file import DTYPES, GrownTensor, read_header, write_grown
from vocabx.checkpoint.tables import Checkpoint, Table
from vocabx.errors import BaseModelError
from vocabx.initializers.placement import Placement, Which

_INDEX = "model.safetensors.index.json"
# The configuration and tokenizer of a checkpoint, written for it and named in its manifest.
COMPOSED = (
    "config.json", "generation_config.json", _INDEX, "tokenizer.json", "tokenizer_config.json",
    "chat_template.jinja", "special_tokens_map.json", "tokenizer.model", "vocab.txt",
    "modeling_factorised.py",
)  # fmt: skip
# Of the base's: stale beside a newer tokenizer.json, or about the base and not about its extension.
_LEFT_OUT = {"added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model", "vocabx.json", "report.json"}
_CARRIED = ("*.json", "LICENSE*", "NOTICE*", "USE_POLICY*")


def grow_checkpoint(
    checkpoint: Checkpoint,
    placement: Placement,
    target: Path,
    suppressed: range,
    advance: Callable[[float], None] = lambda done: None,
) -> None:
    """Write the weights and configuration of `checkpoint` with the rows of `placement` after its own.

    Memory is the rows that a block mixes, never a table.

    Args:
        checkpoint: the base.
        placement: one row for each new table row, pad rows included; applied once to each table.
        target: an existing directory.
        suppressed: ids of pad rows, which generation must never produce.
        advance: called with bytes written.
    """
    rows = checkpoint.input.rows + placement.rows
    write_weights(checkpoint, placement, rows, target, advance)
    config = dict(checkpoint.config)
    config["vocab_size"] = rows
    config["tie_word_embeddings"] = checkpoint.tied
    write_json(target / "config.json", config)
    write_generation_config(read_generation_config(checkpoint), checkpoint, target, suppressed)
    carry_files(checkpoint, target)


def write_weights(
    checkpoint: Checkpoint,
    placement: Placement,
    rows: int,
    target: Path,
    advance: Callable[[float], None] = lambda done: None,
    kept: bool = True,
) -> None:
    """Write the weights of `checkpoint` with tables of `rows` rows, and their index where there is one.

    Args:
        checkpoint: the base.
        placement: the rows that follow the old ones, or stand in their place.
        rows: height of the tables.
        target: an existing directory.
        advance: called with bytes written.
        kept: whether the old rows stay, before the others.
    """
    by_file: dict[Path, dict[str, GrownTensor]] = {}
    for table in checkpoint.tables:
        shape = (rows, *table.file.tensors[table.name].shape[1:])
        blocks = _rows_of(placement, checkpoint.kind_of(table), table)
        by_file.setdefault(table.file.path, {})[table.name] = GrownTensor(shape, blocks, kept)
    for file in checkpoint.files:
        if file.path in by_file:
            write_grown(file, by_file[file.path], target / file.path.name, advance)
        else:
            shutil.copyfile(file.path, target / file.path.name)
            advance(file.path.stat().st_size)
    # One shard may have an index too, and a name that is found by nothing else.
    if (checkpoint.directory / _INDEX).is_file():
        _write_index(checkpoint, target)


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


def grown_bytes(checkpoint: Checkpoint, new_rows: int) -> int:
    """Bytes of weights that `grow_checkpoint` writes for `new_rows` rows."""
    total = sum(file.path.stat().st_size for file in checkpoint.files)
    for table in checkpoint.tables:
        entry = table.file.tensors[table.name]
        total += (entry.end - entry.begin) // table.rows * new_rows
    return total


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON for people: indented, keys in order, Unicode as it is."""
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )


def _rows_of(placement: Placement, which: Which, table: Table) -> Callable[[], Iterator[NDArray[Any]]]:
    flat = len(table.file.tensors[table.name].shape) == 1

    def blocks() -> Iterator[NDArray[Any]]:
        old_table = table.map()
        new, old = placement.copied(which)
        start = 0
        for block in placement.blocks(which, old_table):
            # Overflow to infinity in a 16-bit table would be silent; a convex mean cannot overflow.
            rows = block.astype(DTYPES[table.dtype])
            # A sum loses the sign of a zero, and float32 half of a float64: what is copied is copied.
            part = slice(*np.searchsorted(new, (start, start + len(rows))))
            rows[new[part] - start] = old_table[old[part]]
            start += len(rows)
            yield rows[:, 0] if flat else np.ascontiguousarray(rows)

    return blocks


def _write_index(checkpoint: Checkpoint, target: Path) -> None:
    index = json.loads((checkpoint.directory / _INDEX).read_text(encoding="utf-8"))
    grown = [target / file.path.name for file in checkpoint.files]
    tensors = [entry for path in grown for entry in read_header(path).tensors.values()]
    index["metadata"] = {**(index.get("metadata") or {}), "total_size": sum(e.end - e.begin for e in tensors)}
    write_json(target / _INDEX, index)


def read_generation_config(checkpoint: Checkpoint) -> dict[str, Any] | None:
    """The base's generation_config.json, or None where there is none.

    Raises:
        BaseModelError: it is damaged.
    """
    path = checkpoint.directory / "generation_config.json"
    try:
        config: dict[str, Any] | None = (
            json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        )
    except ValueError:
        raise BaseModelError(f"{path} is not JSON: download it again") from None
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
