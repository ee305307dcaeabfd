"""The formats of text that are read, told by the names of files, and what reading them needs."""

from collections.abc import Iterable
from pathlib import Path

from vocabx._util.extras import Packages

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


def format_of(path: Path) -> str | None:
    """The format of a file, one of the values of `FORMATS`, or None if it is not read."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return FORMATS.get(suffixes[-1]) if suffixes else None


def compression_of(path: Path) -> str:
    """The suffix of a file's compression, or ""."""
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSED else ""


def text_packages(sources: Iterable[Path | str]) -> Packages:
    """The packages that reading `sources` needs; text and JSON, plain or as .gz, .bz2 or .xz, need none."""
    needed: dict[str, str] = {}
    for source in sources:
        if isinstance(source, str):
            needed["datasets"] = "corpus"
        elif format_of(source) in _ARROW:
            needed["pyarrow"] = "corpus"
        elif compression_of(source) == ".zst":
            needed["zstandard"] = "corpus"
    return needed
