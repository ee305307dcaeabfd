"""Reads text files and hub data sets as a stream of documents, without cleaning or sampling.

A document is one record or one row. A .txt file has no records: there, a document is a run of non-blank
lines, split at 8 KB, so that a file of any size can be streamed.
"""

import gzip
import lzma
import zlib
from collections.abc import Collection, Iterable, Iterator

from vocabx._util.extras import need
from vocabx._util.hub import HubError, fetch
from vocabx.corpus.decode import lines_of
from vocabx.corpus.decompress import decompressed
from vocabx.corpus.document import Document
from vocabx.corpus.formats import Source, TextFile, compression_of, format_of, opened, size_of
from vocabx.corpus.parts import Part
from vocabx.corpus.read_arrow import read_arrow, read_parquet
from vocabx.corpus.read_json import counted_text, texts_of_json, texts_of_lines
from vocabx.corpus.read_table import texts_of_table
from vocabx.corpus.read_txt import text_blocks
from vocabx.corpus.skipped import PartTally, Skipped, Tally
from vocabx.errors import CorpusError


def read_documents(
    sources: Iterable[Source],
    text_field: str = "text",
    skipped: Skipped | None = None,
    tolerated: Collection[Source] = (),
) -> Iterator[Document]:
    """Yield the documents of `sources` (see `find_texts`) one at a time.

    Records without text are left out, and malformed ones, unless they are most of a file.

    Args:
        sources: files, and names of hub data sets.
        text_field: the field or column that holds the text, see `text_of`.
        skipped: counts the records that are left out.
        tolerated: sources that may be damaged, or no text: what follows in them is left out and named in
            `skipped`, unless that happens to most sources.

    Raises:
        CorpusError: a file is empty, binary, in an unknown encoding or damaged, or most of its records lack
            `text_field`.
    """
    total = Skipped() if skipped is None else skipped
    for source in sources:
        yield from read_source(source, text_field, total, source in tolerated)
    check_damaged(total)


def read_source(
    source: Source, text_field: str, skipped: Skipped, tolerated: bool, part: Part | None = None
) -> Iterator[Document]:
    """The documents of one source, as `read_documents` yields them, or of a part of it."""
    skipped.files += part is None or not part.number
    if part is not None and tolerated:
        skipped.tolerated.add(str(source))
    try:
        yield from _read_source(source, text_field, skipped, part)
    except CorpusError as error:
        if not tolerated:
            raise
        skipped.damaged.setdefault(str(source), str(error))


def check_damaged(skipped: Skipped) -> None:
    """Refuse a text most of whose files are damaged, once all were read, or one of whose parts of files are.

    Raises:
        CorpusError: they are.
    """
    for name, found in skipped.parts.items():
        if problem := found.problem():
            if name not in skipped.tolerated:
                raise CorpusError(problem)
            skipped.damaged.setdefault(name, problem)
    damaged = list(skipped.damaged.values())
    if 2 * len(damaged) > skipped.files:
        raise CorpusError(f"{len(damaged):,} of {skipped.files:,} files cannot be read: {damaged[0]}")


def _read_source(source: Source, text_field: str, total: Skipped, part: Part | None) -> Iterator[Document]:
    if isinstance(source, str):
        yield from _read_hub(source, text_field, Tally(total))
        return
    if size_of(source) == 0:
        raise CorpusError(f"{source} is empty")
    try:
        yield from _read_file(source, text_field, total, part)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{source} is not {error.encoding.upper()} text (byte {error.start} of a line): convert it "
            "first, as with iconv -t UTF-8"
        ) from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise CorpusError(f"{source} is damaged: {error}") from None
    except PermissionError:
        raise CorpusError(f"{source} may not be read: check its permissions") from None
    except OSError as error:
        # bz2 has no exception of its own.
        if compression_of(source) != ".bz2" or error.errno is not None:
            raise
        raise CorpusError(f"{source} is damaged: {error}") from None


def _read_file(path: TextFile, field: str, total: Skipped, part: Part | None) -> Iterator[Document]:
    kind, name = format_of(path), str(path)
    if part is not None:
        yield from _read_part(path, field, total, part)
        return
    tally = Tally(total)
    if kind in ("parquet", "arrow"):
        yield from (read_parquet if kind == "parquet" else read_arrow)(path, field, tally)
        return
    with opened(path) as raw:
        lines = lines_of(path, decompressed(path, raw), whole=kind != "txt")
        match kind:
            case "jsonl":
                texts = texts_of_lines(lines, field, name, tally)
            case "json":
                texts = texts_of_json(lines, field, name, tally)
            case "csv" | "tsv":
                texts = texts_of_table(lines, field, name, tally, tabs=kind == "tsv")
            case _:
                texts = text_blocks(lines)
        for text in texts:
            yield Document(text, name, raw.tell(), part=kind == "txt")


def _read_part(path: TextFile, field: str, total: Skipped, part: Part) -> Iterator[Document]:
    kind, name = format_of(path), str(path)
    with opened(path) as raw, part.open(path, raw) as content:
        lines = lines_of(path, content, whole=kind != "txt", first=not part.number)
        if kind == "txt":
            texts = text_blocks(lines)
        else:
            start = f" after byte {part.number * part.size:,}," if part.number else ""
            texts = texts_of_lines(lines, field, f"{name}{start}", PartTally(total, name, part.number))
        for text in texts:
            yield Document(text, name, content.tell(), part=kind == "txt")


def _read_hub(name: str, field: str, tally: Tally) -> Iterator[Document]:
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
        for number, record in enumerate(stream, 1):
            for text in counted_text(record, field, f"{name} record {number}", tally):
                read += len(text.encode())
                yield Document(text, name, read)
        tally.end()
    except HubError as error:
        raise CorpusError(f"cannot stream {name}: {error}; pass --corpus with a file of text") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorpusError(f"cannot stream {name}: {reason}; pass --corpus with a file of text") from None
