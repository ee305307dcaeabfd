"""vocabx.json: what a checkpoint says of its own making, so that later steps can refuse a wrong base."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.tables import Checkpoint, Table

FORMAT = 1
_CHUNK = 1 << 24


@dataclass(frozen=True)
class TokenRange:
    """Consecutive new ids of one origin: "learned" tokens, or "pad" rows that no text reaches."""

    first_id: int
    count: int
    source: str


@dataclass(frozen=True)
class Manifest:
    """The content of vocabx.json. docs/architecture.md promises these fields.

    Attributes:
        version: of vocabx.
        base: its name and origin, the number of its tokens and rows, and the sha256 of each table.
        sizes: tokens, rows and pad rows of this checkpoint.
        tied: whether input and output share one table.
        ranges: the new ids by origin; `pad` ids are suppressed in generation_config.json.
        language: BCP 47 tag.
        initializer: name, parameters and seed.
        certificate: claims with their counts.
        tables: sha256 of each table of this checkpoint, by tensor name.
        files: sha256 of the tokenizer and configuration files of this checkpoint.
        run: command line and times; the only part that differs between two equal runs.
    """

    version: str
    base: dict[str, Any]
    sizes: dict[str, int]
    tied: bool
    ranges: tuple[TokenRange, ...]
    language: str
    initializer: dict[str, Any]
    certificate: list[dict[str, Any]]
    tables: dict[str, str]
    files: dict[str, str]
    run: dict[str, Any]

    def write(self, directory: Path) -> None:
        """Write vocabx.json into `directory`."""
        write_json(directory / "vocabx.json", {"format": FORMAT, **asdict(self)})


def table_hashes(checkpoint: Checkpoint) -> dict[str, str]:
    """The sha256 of the bytes of each table, by tensor name."""
    return {table.name: _hash_table(table) for table in checkpoint.tables}


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
