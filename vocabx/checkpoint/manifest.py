"""vocabx.json: what a checkpoint says of its own making, so that later steps can refuse a wrong base."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vocabx.checkpoint.factorised import primitive_tables
from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.tables import Checkpoint, Table
from vocabx.errors import BaseModelError

FORMAT = 1
_CHUNK = 1 << 24


@dataclass(frozen=True)
class TokenRange:
    """Consecutive new ids of one origin: "learned" or "donor" tokens, or "pad" rows that no text reaches."""

    first_id: int
    count: int
    source: str


@dataclass(frozen=True)
class Manifest:
    """The content of vocabx.json. docs/architecture.md promises these fields.

    Attributes:
        version: of vocabx.
        base: its name and origin, the number of its tokens and rows, and the sha256 of each table.
        sizes: tokens, rows and pad rows of this checkpoint; no rows where only a tokenizer was written.
        tied: whether input and output share one table; None where only a tokenizer was written.
        ranges: the new ids by origin; `pad` ids are suppressed in generation_config.json.
        origin: where the new tokens come from: the donor, what was taken of it, bought to build it and left
            out; whether the pre-tokenizer was widened; what text was protected.
        language: BCP 47 tag.
        initializer: name, parameters, seed and form; empty where only a tokenizer was written.
        certificate: claims with their counts.
        tables: sha256 of each table of this checkpoint, by tensor name.
        files: sha256 of the tokenizer and configuration files of this checkpoint.
        run: command line and times; the only part that differs between two equal runs.
    """

    version: str
    base: dict[str, Any]
    sizes: dict[str, int]
    tied: bool | None
    ranges: tuple[TokenRange, ...]
    origin: dict[str, Any]
    language: str
    initializer: dict[str, Any]
    certificate: list[dict[str, Any]]
    tables: dict[str, str]
    files: dict[str, str]
    run: dict[str, Any]

    def with_tables(
        self,
        rows: int,
        base_rows: int,
        pad: range,
        tied: bool,
        initializer: dict[str, Any],
        base_tables: dict[str, str],
        tables: dict[str, str],
    ) -> "Manifest":
        """The manifest of a checkpoint, from that of its tokenizer.

        Args:
            rows, base_rows: height of the tables now and before.
            pad: ids of the rows that fill the tables up.
            tied: whether input and output share one table.
            initializer: name, parameters and seed.
            base_tables, tables: sha256 of each table before and now, by tensor name.
        """
        ranges = self.ranges if not pad else (*self.ranges, TokenRange(pad.start, len(pad), "pad"))
        return replace(
            self,
            base={**self.base, "rows": base_rows, "tables": base_tables},
            sizes={**self.sizes, "rows": rows, "pad_rows": len(pad)},
            tied=tied,
            ranges=ranges,
            initializer=initializer,
            tables=tables,
        )

    def write(self, directory: Path) -> None:
        """Write vocabx.json into `directory`."""
        write_json(directory / "vocabx.json", {"format": FORMAT, **asdict(self)})


def read_manifest(directory: Path) -> dict[str, Any]:
    """The content of the vocabx.json of a directory, empty where there is none.

    Raises:
        BaseModelError: it is damaged.
    """
    path = directory / "vocabx.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        raise BaseModelError(f"{path} is not JSON: it was damaged after it was written") from None
    if not isinstance(content, dict):
        raise BaseModelError(f"{path} is no manifest: it was damaged after it was written")
    return content


def table_hashes(checkpoint: Checkpoint) -> dict[str, str]:
    """The sha256 of the bytes of each table, and of the primitives of factorised ones, by tensor name."""
    tables = (*checkpoint.tables, *primitive_tables(checkpoint))
    return {table.name: _hash_table(table) for table in tables}


def file_hash(path: Path) -> str:
    """The sha256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash_table(table: Table) -> str:
    entry = table.file.tensors[table.name]
    digest = hashlib.sha256()
    with table.file.path.open("rb") as stream:
        stream.seek(table.file.data_start + entry.begin)
        left = entry.end - entry.begin
        while left:
            chunk = stream.read(min(_CHUNK, left))
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()
