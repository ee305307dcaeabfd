"""Reads text files and hub data sets as a stream of documents, without cleaning or sampling.

A document of a .jsonl or .parquet file is one record. A .txt file has no records: a document is a run of
non-blank lines, split at 8 KB, so that a file of any size can be streamed.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vocabx._util.extras import Packages, need
from vocabx._util.hub import HubError, fetch
from vocabx.errors import CorpusError

SUFFIXES = (".txt", ".jsonl", ".parquet")
COMPRESSED = (".gz", ".zst")
_TEXT_BLOCK = 8192
# A few bytes of a .zst file may expand to a block of 128 KB, so only little input is decompressed at a time.
_ZST_CHUNK = 512


@dataclass(frozen=True)
class Document:
    """A text, its source, and the bytes of the source read up to its end."""

    text: str
    source: str
    bytes_read: int


def resolve_sources(patterns: Iterable[str]) -> list[Path | str]:
    """Resolve files, directories, globs and `hf://` names to a list of sources, sorted within each pattern.

    Args:
        patterns: a path to a file, a directory (read recursively), a glob, or a hub data set as
            `hf://owner/name[/configuration][:split]`.

    Raises:
        CorpusError: a pattern matches nothing, or a file has an unsupported suffix.
    """
    sources: list[Path | str] = []
    for pattern in patterns:
        if pattern.startswith("hf://"):
            if not all(pattern.removeprefix("hf://").partition(":")[0].partition("/")[::2]):
                raise CorpusError(
                    f"{pattern} names no data set: pass hf://owner/name[/configuration][:split]"
                )
            sources.append(pattern)
            continue
        path = Path(pattern)
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and _format(p) is not None)
            if not found:
                raise CorpusError(f"no {', '.join(SUFFIXES)} file in the directory {pattern}")
            sources.extend(found)
        elif path.is_file():
            sources.append(path)
        else:
            anchor = Path(path.anchor or ".")
            try:
                found = sorted(p for p in anchor.glob(str(path.relative_to(path.anchor))) if p.is_file())
            except ValueError as error:
                raise CorpusError(f"no such text: {pattern} ({error})") from None
            if not found:
                raise CorpusError(f"no such text: {pattern}")
            sources.extend(found)
    for source in sources:
        if isinstance(source, Path) and _format(source) is None:
            raise CorpusError(
                f"cannot read {source}: pass {', '.join(SUFFIXES)}, plain or compressed as .gz or .zst"
            )
    return sources


def source_bytes(sources: Iterable[Path | str]) -> int | None:
    """Total bytes on disk of all sources, or None if one is a stream of unknown size."""
    total = 0
    for source in sources:
        if isinstance(source, str):
            return None
        total += source.stat().st_size
    return total


def text_packages(sources: Iterable[Path | str]) -> Packages:
    """The packages that reading `sources` needs; .txt and .jsonl, plain or as .gz, need none."""
    needed: dict[str, str] = {}
    for source in sources:
        if isinstance(source, str):
            needed["datasets"] = "corpus"
        elif _format(source) == ".parquet":
            needed["pyarrow"] = "corpus"
        elif source.suffix == ".zst":
            needed["zstandard"] = "corpus"
    return needed


def read_documents(sources: Iterable[Path | str], text_field: str = "text") -> Iterator[Document]:
    """Yield the documents of `sources` (see `resolve_sources`) one at a time.

    Raises:
        CorpusError: a file is empty, binary, not UTF-8, damaged, or a record lacks `text_field`.
    """
    for source in sources:
        if isinstance(source, str):
            yield from _read_hub(source, text_field)
            continue
        if source.stat().st_size == 0:
            raise CorpusError(f"{source} is empty")
        try:
            yield from _read_file(source, text_field)
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"{source} is not UTF-8 text (byte {error.start} of a line): convert it first, as with "
                "iconv -t UTF-8"
            ) from None
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise CorpusError(f"{source} is damaged: {error}") from None
        except PermissionError:
            raise CorpusError(f"{source} may not be read: check its permissions") from None


def _format(path: Path) -> str | None:
    suffixes = path.suffixes
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes = suffixes[:-1]
    return suffixes[-1] if suffixes and suffixes[-1] in SUFFIXES else None


def _read_file(path: Path, text_field: str) -> Iterator[Document]:
    kind = _format(path)
    if kind == ".parquet":
        yield from _read_parquet(path, text_field)
        return
    with path.open("rb") as raw:
        lines = _lines(path, raw)
        if kind == ".jsonl":
            yield from _read_jsonl(path, raw, lines, text_field)
        else:
            yield from _read_txt(path, raw, lines)


def _lines(path: Path, raw: IO[bytes]) -> Iterator[str]:
    """Yield decoded lines; `raw` is the compressed stream, whose position serves as progress."""
    stream: Iterable[bytes]
    if path.suffix == ".gz":
        stream = gzip.GzipFile(fileobj=raw)
    elif path.suffix == ".zst":
        stream = io.BufferedReader(_Unzst(path, raw))
    else:
        stream = raw
    for number, line in enumerate(stream):
        if b"\0" in line:
            raise CorpusError(f"{path} is binary, not text")
        yield line.decode("utf-8-sig" if number == 0 else "utf-8")


class _Unzst(io.RawIOBase):
    """The content of all frames of a .zst file; unlike zstandard's own reader, it detects truncated files."""

    def __init__(self, path: Path, raw: IO[bytes]) -> None:
        self.zstandard = need("zstandard", "corpus")
        self.path, self.raw, self.input, self.ready = path, raw, b"", b""
        self.frame: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.ready:
            self.input = self.input or self.raw.read(_ZST_CHUNK)
            if not self.input and self.frame is None:
                return 0
            if not self.input:
                raise CorpusError(f"{self.path} is damaged: the file ends inside a frame")
            self._decompress()
        taken, self.ready = self.ready[: len(buffer)], self.ready[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def _decompress(self) -> None:
        self.frame = self.frame or self.zstandard.ZstdDecompressor().decompressobj()
        try:
            self.ready = self.frame.decompress(self.input)
        except self.zstandard.ZstdError as error:
            raise CorpusError(f"{self.path} is damaged: {error}") from None
        self.input = self.frame.unused_data if self.frame.eof else b""
        self.frame = None if self.frame.eof else self.frame


def _read_txt(path: Path, raw: IO[bytes], lines: Iterator[str]) -> Iterator[Document]:
    block: list[str] = []
    size = 0
    for line in lines:
        if line.strip():
            block.append(line)
            size += len(line)
        if block and (not line.strip() or size >= _TEXT_BLOCK):
            yield Document("".join(block), str(path), raw.tell())
            block, size = [], 0
    if block:
        yield Document("".join(block), str(path), raw.tell())


def _read_jsonl(path: Path, raw: IO[bytes], lines: Iterator[str], field: str) -> Iterator[Document]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{path} line {number} is not JSON: {error}") from None
        yield Document(_field(record, field, f"{path} line {number}"), str(path), raw.tell())


def _field(record: Any, field: str, where: str) -> str:
    value = record.get(field) if isinstance(record, dict) else None
    if not isinstance(value, str):
        keys = ", ".join(map(str, record)) if isinstance(record, dict) else type(record).__name__
        raise CorpusError(f"{where} has no text in the field {field!r} (it has: {keys}): pass --text-field")
    # JSON can contain half a surrogate pair, which is not a character and cannot be encoded in UTF-8.
    return value.encode(errors="ignore").decode()


def _read_parquet(path: Path, field: str) -> Iterator[Document]:
    parquet = need("pyarrow.parquet", "corpus")
    arrow = need("pyarrow", "corpus")
    if path.suffix in COMPRESSED:
        raise CorpusError(f"{path}: parquet is compressed internally: unpack the outer {path.suffix}")
    try:
        file = parquet.ParquetFile(path)
    except (arrow.ArrowInvalid, OSError) as error:
        raise CorpusError(f"{path} is not a parquet file: {str(error).splitlines()[0]}") from None
    names = file.schema_arrow.names
    if field not in names:
        raise CorpusError(f"{path} has no column {field!r} (it has: {', '.join(names)}): pass --text-field")
    size, rows, done = path.stat().st_size, max(1, file.metadata.num_rows), 0
    try:
        for batch in file.iter_batches(batch_size=256, columns=[field]):
            for value in batch.column(0).to_pylist():
                done += 1
                if value is not None:
                    text = _field({field: value}, field, f"{path} row {done}")
                    yield Document(text, str(path), size * done // rows)
    except (arrow.ArrowException, OSError) as error:
        raise CorpusError(f"{path} is damaged: {str(error).splitlines()[0]}") from None


def _read_hub(name: str, field: str) -> Iterator[Document]:
    datasets = need("datasets", "corpus")
    location, _, split = name.removeprefix("hf://").partition(":")
    owner, _, rest = location.partition("/")
    dataset, _, configuration = rest.partition("/")
    try:
        # A quick check first: `datasets` retries six times and prints a message each time.
        fetch(f"{owner}/{dataset}", "dataset", wanted=["README.md"])
        stream = datasets.load_dataset(
            f"{owner}/{dataset}", configuration or None, split=split or "train", streaming=True
        )
        read = 0
        for record in stream:
            text = _field(record, field, name)
            read += len(text.encode())
            yield Document(text, name, read)
    except HubError as error:
        raise CorpusError(f"cannot stream {name}: {error}; pass --corpus with a file of text") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorpusError(f"cannot stream {name}: {reason}; pass --corpus with a file of text") from None
