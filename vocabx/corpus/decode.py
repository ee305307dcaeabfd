"""Decodes the lines of a file: UTF-8, or UTF-16 and UTF-32 where a byte-order mark says so."""

import codecs
import io
from collections.abc import Iterator
from typing import Any

from vocabx.corpus.formats import TextFile
from vocabx.errors import CorpusError

# That of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    codecs.BOM_UTF8: "utf-8",
}
# Where lines need not be whole, longer ones are decoded in parts of this many bytes or characters.
_PART = 1 << 20


def lines_of(path: TextFile, stream: Any, whole: bool = True, first: bool = True) -> Iterator[str]:
    """Yield the lines of a stream with their ends, decoded.

    Args:
        path: for messages.
        stream: the content, with `peek`, as all readers of files have.
        whole: yield every line whole; otherwise a line of more than 1 MB comes in parts, so that memory does
            not grow with it.
        first: whether the stream begins where the file does, so that a byte-order mark may come first.

    Raises:
        CorpusError: the content is binary.
        UnicodeDecodeError: it is text in another encoding.
    """
    head = stream.peek(4) if first else b""
    mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
    stream.read(len(mark))
    encoding = _MARKS.get(mark, "utf-8")
    size = -1 if whole else _PART
    for text in (_utf_8 if encoding == "utf-8" else _wider)(stream, encoding, size):
        if "\0" in text:
            raise CorpusError(f"{path} is binary, not text")
        yield text


def _utf_8(stream: Any, encoding: str, size: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    while line := stream.readline(size):
        # A part may end inside a character.
        text = decoder.decode(line, final=size < 0 or line.endswith(b"\n"))
        if text:
            yield text
    decoder.decode(b"", final=True)


def _wider(stream: Any, encoding: str, size: int) -> Iterator[str]:
    """Of UTF-16 and UTF-32, in which the end of a line is more than one byte."""
    text = io.TextIOWrapper(stream, encoding, newline="\n")
    try:
        while line := text.readline(size):
            yield line
    finally:
        # The wrapper would close the stream.
        text.detach()
