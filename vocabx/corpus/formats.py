"""The formats of text that are read, told by the names of files, and what reading them needs."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from vocabx._util.extras import Packages
from vocabx.corpus.remote import PACKAGES as REMOTE
from vocabx.corpus.remote import RemoteFile

# A file that is read, and that or the name of a data set on the hub.
TextFile: TypeAlias = Path | RemoteFile
Source: TypeAlias = TextFile | str

# Suffix of a file without that of its compression, and the format.
FORMATS = {
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
READ = "text as .txt, .jsonl, .json, .csv, .tsv, .parquet or .arrow, plain or as .gz, .bz2, .xz or .zst"
_ARROW = ("parquet", "arrow")


def format_of(path: TextFile) -> str | None:
    """The format of a file, one of the values of `FORMATS`, or None if it is not read."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return FORMATS.get(suffixes[-1]) if suffixes else None


def compression_of(path: TextFile) -> str:
    """The suffix of a file's compression, or ""."""
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSED else ""


def opened(path: TextFile) -> io.BufferedReader:
    """A file, open to be read."""
    return path.open("rb") if isinstance(path, Path) else path.open()


def size_of(path: TextFile) -> int | None:
    """The bytes of a file, or None where they are not known."""
    return path.stat().st_size if isinstance(path, Path) else path.bytes


def text_packages(sources: Iterable[Source]) -> Packages:
    """The packages that reading `sources` needs; text and JSON, plain or as .gz, .bz2 or .xz, need none."""
    needed: dict[str, str] = {}
    for source in sources:
        if isinstance(source, str):
            needed["datasets"] = "corpus"
            continue
        if isinstance(source, RemoteFile):
            needed.update(REMOTE)
        if format_of(source) in _ARROW:
            needed["pyarrow"] = "corpus"
        elif compression_of(source) == ".zst":
            needed["zstandard"] = "corpus"
    return needed
