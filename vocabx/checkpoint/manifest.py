"""vocabx.json: how a checkpoint was made, so that later steps can check it and refuse a wrong base."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vocabx.checkpoint.grow import COMPOSED, write_json
from vocabx.checkpoint.hashing import hash_range
from vocabx.checkpoint.tables import Checkpoint
from vocabx.errors import BaseModelError

FORMAT = 1
DOCUMENTS = ("README.md", "report.json", "report.html")
Advance = Callable[[float], None]


@dataclass(frozen=True)
class TokenRange:
    """Consecutive new ids of one origin: "learned" or "donor" tokens, or "pad" rows without a token."""

    first_id: int
    count: int
    source: str


@dataclass(frozen=True)
class Manifest:
    """The content of vocabx.json. docs/checkpoint.md guarantees these fields.

    Attributes:
        version: version of vocabx.
        base: name and origin of the base, its number of tokens and rows, and the sha256 of each embedding
            matrix.
        sizes: tokens, rows and padding rows of this checkpoint; no rows for a tokenizer alone.
        tied: whether input embeddings and lm_head share one matrix; None for a tokenizer alone.
        ranges: the new ids by origin; `pad` ids are suppressed in generation_config.json.
        origin: where the new tokens come from: the donor, the numbers of tokens taken, added to build those,
            and left out; whether the pre-tokenizer was widened; which text was protected.
        language: BCP 47 tag.
        initializer: name, parameters, seed and form; empty for a tokenizer alone.
        certificate: claims with their counts.
        tables: sha256 of each embedding matrix of this checkpoint, by tensor name.
        files: sha256 of the tokenizer and configuration files of this checkpoint.
        run: command line, times, and sha256 of the card and reports; the only part that differs between two
            equal runs.
        shards: size and tensor names of each weight file, whether it differs from the base's, and its sha256
            if requested; empty for a tokenizer alone.
        training: for a trained checkpoint, see `vocabx.commands.merge.run`; otherwise empty.
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
    shards: dict[str, dict[str, Any]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    def with_tables(
        self,
        rows: int,
        base_rows: int,
        pad: range,
        tied: bool,
        initializer: dict[str, Any],
        base_tables: dict[str, str],
        tables: dict[str, str],
        shards: dict[str, dict[str, Any]],
    ) -> "Manifest":
        """The manifest of a checkpoint, from that of its tokenizer.

        Args:
            rows, base_rows: number of rows of the embedding matrices, and of the base's.
            pad: ids of padding rows.
            tied: whether input embeddings and lm_head share one matrix.
            initializer: name, parameters and seed.
            base_tables, tables: sha256 of each embedding matrix of the base and of this checkpoint, by tensor
                name.
            shards: see `records_of`.
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
            shards=shards,
        )

    def write(self, directory: Path) -> None:
        """Write vocabx.json into `directory`."""
        write_json(directory / "vocabx.json", {"format": FORMAT, **asdict(self)})


def read_manifest(directory: Path) -> dict[str, Any]:
    """The content of the vocabx.json of a directory, empty if there is none.

    Raises:
        BaseModelError: if it is damaged.
    """
    path = directory / "vocabx.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        raise BaseModelError(f"{path} is not JSON: it was damaged after it was written") from None
    if not isinstance(content, dict):
        raise BaseModelError(f"{path} is no manifest: it was damaged after it was written")
    return content


def records_of(
    written: Checkpoint, changed: Collection[str], hashed: bool, advance: Advance = lambda done: None
) -> dict[str, dict[str, Any]]:
    """The records of each weight file in vocabx.json, by name.

    Args:
        written: the checkpoint.
        changed: names of the files that differ from the base's.
        hashed: whether to read all files to compute their sha256.
        advance: called with bytes read.
    """
    records: dict[str, dict[str, Any]] = {}
    for file in written.files:
        name = file.path.name
        records[name] = {
            "bytes": file.path.stat().st_size,
            "tensors": sorted(file.tensors),
            "rewritten": name in changed,
        }
        if hashed:
            records[name]["sha256"] = file_hash(file.path, advance)
    return records


def composed_hashes(directory: Path) -> dict[str, str]:
    """The sha256 of each tokenizer and configuration file that exists."""
    return {name: file_hash(directory / name) for name in COMPOSED if (directory / name).is_file()}


def run_record(command: str, seconds: Mapping[str, float], directory: Path) -> dict[str, Any]:
    """The manifest's `run`: command line, seconds per stage, and sha256 of the documents that quote them."""
    documents = {name: file_hash(directory / name) for name in DOCUMENTS if (directory / name).is_file()}
    return {"command": command, "seconds": dict(seconds), "documents": documents}


def file_hash(path: Path, advance: Advance = lambda done: None) -> str:
    """The sha256 of a file, hexadecimal."""
    with path.open("rb", buffering=0) as stream:
        return hash_range(stream, 0, path.stat().st_size, advance)
