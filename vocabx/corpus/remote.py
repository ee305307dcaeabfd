"""Files behind an address of any file system that fsspec knows, such as s3://, gs://, https:// or memory://.

A directory or a glob stands for its files, its shards, which are read one after the other. A stream that
breaks off is taken up where it broke off, so that nothing is lost and nothing is read twice. Left out: data
sets by their name on the hub (`hf://owner/name`), which `datasets` streams; see `read_text`.
"""

import io
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from vocabx._util.extras import Packages, need
from vocabx._util.shorten import shortened
from vocabx.errors import CorpusError, MissingPackageError, VocabxError

PACKAGES: Packages = {"fsspec": "cloud"}
# Bytes that are asked for at once.
_BLOCK = 4 << 20
_TRIES = 4
_WILDCARD = re.compile(r"[*?\[]")
# The status of an answer with a part of a file, and of answers that there is none.
_PARTIAL, _ABSENT = 206, (404, 410)
_HTTP = ("http://", "https://")
_AS_IT_IS = {"Accept-Encoding": "identity"}
# Seconds before the second try; twice as many before each further one.
_WAIT = 0.5


@dataclass(frozen=True)
class RemoteFile:
    """A file that is read through fsspec.

    Attributes:
        address: as a user would write it.
        path: what its file system calls it.
        bytes: its size, or None where that is not known.
        system: the file system.
    """

    address: str
    path: str = field(repr=False)
    bytes: int | None
    system: Any = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        """The last part of the address, without a query."""
        return PurePosixPath(self.address.partition("?")[0]).name

    @property
    def suffixes(self) -> list[str]:
        """The suffixes of its name, as those of a Path."""
        return PurePosixPath(self.name).suffixes

    @property
    def suffix(self) -> str:
        """The last one of its suffixes, or ""."""
        return PurePosixPath(self.name).suffix

    def open(self) -> io.BufferedReader:
        """Its content; a CorpusError tells how much was read where it breaks off for good."""
        return io.BufferedReader(_Resuming(self), 1 << 16)


def is_address(pattern: str) -> bool:
    """Whether a pattern is an address of fsspec, and neither a path nor the name of a data set on the hub."""
    scheme, colon, rest = pattern.partition("://")
    # hf://owner/name is a data set, hf://datasets/owner/name/… are its files. Schemes may be chained: a::b://.
    plain = bool(colon) and scheme.replace("::", "").isalnum()
    return plain and (scheme != "hf" or rest.startswith("datasets/"))


def find_remote(pattern: str) -> list[RemoteFile]:
    """The files of an address, those of a directory or a glob by their paths.

    Raises:
        CorpusError: there is nothing, or it cannot be reached.
        MissingPackageError: fsspec is not installed, or what it needs for this kind of address.
    """
    core = need("fsspec.core", "cloud")
    try:
        system, path = core.url_to_fs(pattern, **_settings(pattern))
        paths = _paths(system, path)
        return [_remote(system, one, pattern) for one in paths]
    except ImportError as error:
        said = _lacking(pattern) or f"{shortened(pattern, 80)}: {shortened(str(error), 200)}"
        raise MissingPackageError(said) from None
    except VocabxError:
        raise
    except Exception as error:  # Each file system has exceptions of its own.
        raise CorpusError(f"cannot read {shortened(pattern, 80)}: {_reason(error)}") from None


def _settings(pattern: str) -> dict[str, Any]:
    """The settings of the first file system that an address names."""
    # A server may compress what it sends, and would do so to what is compressed already.
    return {"headers": _AS_IT_IS} if pattern.startswith(_HTTP) else {}


def _paths(system: Any, path: str) -> Sequence[str]:
    if any(wildcard in path for wildcard in "*[") or ("?" in path and not path.startswith("http")):
        found = sorted(one for one in system.glob(path) if not system.isdir(one))
        if not found:
            # A glob is empty also where its bucket or server is not there, which should be said.
            parent = _WILDCARD.split(path)[0].rpartition("/")[0]
            system.info(f"{parent}/" if path.startswith(_HTTP) else parent)
        return found
    # Over HTTP, any page may be taken for a directory.
    if not path.startswith("http") and system.isdir(path):
        return sorted(system.find(path))
    return [path]


def _remote(system: Any, path: str, pattern: str) -> RemoteFile:
    size = system.info(path).get("size")
    # Of several addresses in one (`zip://*.txt::s3://…`), the rest says where the archive is.
    chained = f"::{pattern.partition('::')[2]}" if "::" in pattern else ""
    return RemoteFile(f"{system.unstrip_protocol(path)}{chained}", path, size, system)


def _lacking(pattern: str) -> str:
    """Which package reads the addresses of a scheme, and how to install it; "" if fsspec does not say."""
    known = need("fsspec.registry", "cloud").known_implementations
    scheme = pattern.partition("://")[0]
    package = str(known.get(scheme, {}).get("class", "")).partition(".")[0]
    if package in ("", "fsspec"):
        return ""
    return f"reading {scheme}:// needs the package {package}, which is not installed: pip install {package}"


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        cause = error.__cause__
        # So fsspec reports whatever goes wrong when it asks a server for the size of a file.
        if not isinstance(cause, Exception) or getattr(cause, "status", 0) in _ABSENT:
            return "no such file"
        error = cause
    said = str(error).strip().splitlines()
    kind = type(error).__name__
    if kind == "NoCredentialsError":
        return f"{said[0]}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    return shortened(f"{kind}: {said[0]}" if said else kind, 120)


class _Resuming(io.RawIOBase):
    """The content of a file, opened again at the position reached where reading it fails."""

    def __init__(self, file: RemoteFile) -> None:
        self._file, self._position = file, 0
        self._stream: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.bytes is not None

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence, self._file.bytes)
        if start is None:
            raise io.UnsupportedOperation("the size is not known")
        if start + offset != self._position:
            self._drop()
            self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        wait = _WAIT
        for attempt in range(1, _TRIES + 1):
            try:
                self._stream = self._stream or self._opened()
                data = self._stream.read(len(buffer))
            except MemoryError:
                raise
            except Exception as error:  # Each file system has exceptions of its own.
                reason = _reason(error)
            else:
                if data or self._position >= (self._file.bytes or 0):
                    buffer[: len(data)] = data
                    self._position += len(data)
                    return len(data)
                reason = "the stream ends early"
            self._drop()
            if attempt < _TRIES:
                time.sleep(wait)
                wait *= 2
        whole = f" of {self._file.bytes:,}" if self._file.bytes is not None else ""
        raise CorpusError(
            f"{shortened(self._file.address, 120)} broke off after {self._position:,}{whole} bytes, and "
            f"{_TRIES} tries got no further: {reason}"
        )

    def close(self) -> None:
        self._drop()
        super().close()

    def _opened(self) -> Any:
        """The content from the position reached."""
        if self._file.path.startswith(_HTTP):
            return self._opened_over_http()
        stream = self._file.system.open(self._file.path, "rb", block_size=_BLOCK)
        if self._position:
            stream.seek(self._position)
        return stream

    def _opened_over_http(self) -> Any:
        # One request for all that follows; fsspec's own file asks for part after part, which some servers
        # do not send.
        asked = {**_AS_IT_IS, "Range": f"bytes={self._position}-"} if self._position else _AS_IT_IS
        # With any size, fsspec does not ask for it again.
        stream = self._file.system.open(
            self._file.path, "rb", block_size=0, size=self._file.bytes or 1, headers=asked
        )
        if stream.r.status != _PARTIAL:
            # The server sends all of it: what was read before is passed over.
            left = self._position
            while left and (data := stream.read(min(left, _BLOCK))):
                left -= len(data)
        return stream

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(Exception):
                stream.close()
