"""Reads .parquet and .arrow files, a document a row; both hold nested records and long strings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vocabx._util.extras import need
from vocabx.corpus.document import Document
from vocabx.corpus.formats import TextFile, compression_of, size_of
from vocabx.corpus.read_json import counted_text
from vocabx.corpus.read_table import lacking_column
from vocabx.corpus.skipped import Tally
from vocabx.errors import CorpusError

_ROWS = 256


def read_parquet(path: TextFile, field: str, tally: Tally) -> Iterator[Document]:
    """Yield the rows of a .parquet file.

    Raises:
        CorpusError: it is damaged or compressed as a whole, has no such column, or most rows have no text.
    """
    parquet = need("pyarrow.parquet", "corpus")
    with _refusing(path, "parquet"):
        file = parquet.ParquetFile(path if isinstance(path, Path) else path.open())
    column = _column(file.schema_arrow, field, path)
    size, rows = size_of(path) or 0, max(1, file.metadata.num_rows)
    with _damaged(path):
        for row, value in enumerate(_values(file.iter_batches(batch_size=_ROWS, columns=[column])), 1):
            for text in counted_text({column: value}, field, f"{path} row {row}", tally):
                yield Document(text, str(path), size * row // rows)
    tally.end()


def read_arrow(path: TextFile, field: str, tally: Tally) -> Iterator[Document]:
    """Yield the rows of an .arrow or .feather file, in either of Arrow's two forms: a stream, or a file.

    Raises:
        CorpusError: see `read_parquet`.
    """
    arrow, ipc = need("pyarrow", "corpus"), need("pyarrow.ipc", "corpus")
    with _refusing(path, "arrow"):
        local = isinstance(path, Path)
        source = arrow.OSFile(str(path)) if local else arrow.PythonFile(path.open(), mode="r")
        if source.read(6) == b"ARROW1":
            file = ipc.open_file(path if local else source)
            batches = (file.get_batch(number) for number in range(file.num_record_batches))
        else:
            source.seek(0)
            file = batches = ipc.open_stream(source)
    column = _column(file.schema, field, path)
    size = size_of(path) or 0
    with _damaged(path):
        row = 0
        for batch in batches:
            read = source.tell() if batches is file else size
            for value in _values(
                batch.select([column]).slice(at, _ROWS) for at in range(0, len(batch), _ROWS)
            ):
                row += 1
                for text in counted_text({column: value}, field, f"{path} row {row}", tally):
                    yield Document(text, str(path), read)
    tally.end()


@contextmanager
def _refusing(path: TextFile, kind: str) -> Iterator[None]:
    if compression := compression_of(path):
        raise CorpusError(f"{path}: {kind} is compressed internally: unpack the outer {compression}")
    arrow = need("pyarrow", "corpus")
    try:
        yield
    except (arrow.ArrowException, OSError) as error:
        raise CorpusError(f"{path} is not a{'n' * (kind == 'arrow')} {kind} file: {_first(error)}") from None


@contextmanager
def _damaged(path: TextFile) -> Iterator[None]:
    arrow = need("pyarrow", "corpus")
    try:
        yield
    except (arrow.ArrowException, OSError) as error:
        raise CorpusError(f"{path} is damaged: {_first(error)}") from None


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _column(schema: Any, field: str, path: TextFile) -> str:
    """The column that a field is in: itself, or the beginning of a name with dots."""
    heads = [field, *(field[:at] for at, character in enumerate(field) if character == ".")]
    found = next((head for head in heads if head in schema.names), "")
    if not found:
        raise CorpusError(lacking_column(str(path), field, schema.names))
    return found


def _values(batches: Any) -> Iterator[Any]:
    for batch in batches:
        yield from batch.column(0).to_pylist()
