"""The content of compressed files as a stream of bytes."""

import bz2
import gzip
import io
import lzma
from typing import IO, Any

from vocabx._util.extras import need
from vocabx.corpus.formats import TextFile, compression_of
from vocabx.errors import CorpusError

# A few bytes of a .zst file may expand to a block of 128 KB, so only little input is decompressed at a time.
_ZST_CHUNK = 512


def decompressed(path: TextFile, raw: IO[bytes]) -> Any:
    """The content of `path` as a file. `raw` is the opened file, whose position tells how much was read."""
    match compression_of(path):
        case ".gz":
            return gzip.GzipFile(fileobj=raw)
        case ".bz2":
            return bz2.BZ2File(raw)
        case ".xz":
            return lzma.LZMAFile(raw)
        case ".zst":
            return io.BufferedReader(_Unzst(path, raw))
    return raw


class _Unzst(io.RawIOBase):
    """The content of all frames of a .zst file; unlike zstandard's own reader, it detects truncated files."""

    def __init__(self, path: TextFile, raw: IO[bytes]) -> None:
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
