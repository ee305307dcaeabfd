"""The journal of an unfinished directory: the job it belongs to, and which weight files are complete.

One JSON object per line: the job first, then each file once it is on disk under its final name. A line
that was truncated by a crash is ignored.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec

from vocabx._util.json_file import Count, Written, is_json, is_there, read_lines
from vocabx._util.shorten import shortened
from vocabx.errors import OutputError

NAME = "unfinished.jsonl"
# In place of a value, of an option that has none.
SWITCHED_ON = "true"
_REMEDY = "remove the directory it is in and run the same command again"


class _Job(Written, frozen=True, omit_defaults=True):
    """The first line; `options` are those of the command, in words, where it has any."""

    job: str
    options: dict[str, str] = msgspec.field(default_factory=dict)


class _File(Written, frozen=True):
    """A further line: a file that is whole, with its size."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[^/\x00]{1,200}$")]
    bytes: Count


class Journal:
    """The complete files of `directory`, locked by one process at a time.

    Attributes:
        directory: the directory being written.
        whole: size in bytes of each complete weight file.
        options: of the command that writes it, in words, for `check_same`.
    """

    def __init__(self, directory: Path, options: Mapping[str, str] | None = None) -> None:
        """Open the journal of an existing directory, or create one.

        Raises:
            OutputError: if another process holds it, or it is damaged.
            OSError: if it cannot be read or written.
        """
        self.directory, self.options = directory, dict(options or {})
        self._stream = (directory / NAME).open("a+", encoding="utf-8")
        try:
            if not lock(self._stream):
                raise OutputError(f"another run is writing {directory}: wait for it, or choose another --out")
            self._job, self.whole = read_journal(directory)
            self._end_last_line()
        except BaseException:
            self._stream.close()
            raise

    def begin(self, job: str) -> None:
        """Record the job, which determines the bytes of the weight files; files of the same job stay.

        Raises:
            OutputError: if there are complete files of another job.
        """
        if self.whole and self._job != job:
            raise OutputError(
                f"{self.directory} was begun with other options, another base or other text, so it cannot be "
                "resumed: pass the same as before, or remove it"
            )
        if not self.whole:
            self.forget()
            self._add({"job": job, **({"options": self.options} if self.options else {})})
        self._job = job

    def add(self, name: str) -> None:
        """Record that a file is complete. It must be on disk under that name."""
        size = (self.directory / name).stat().st_size
        self._add({"file": name, "bytes": size})
        self.whole[name] = size

    def forget(self) -> None:
        """Forget all files, before they are changed outside the journal."""
        self._stream.truncate(0)
        self._sync()
        self._job, self.whole = "", {}

    def clear(self) -> None:
        """Remove everything from the directory except complete files and the journal."""
        for path in self.directory.iterdir():
            if path.name != NAME and path.name not in self.whole:
                _remove(path)

    def close(self) -> None:
        """Release the lock."""
        self._stream.close()

    def _add(self, entry: dict[str, Any]) -> None:
        self._stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._sync()

    def _end_last_line(self) -> None:
        """End a last line that lacks its newline after a crash, or remove it if it is incomplete."""
        before, newline, last = (self.directory / NAME).read_bytes().rpartition(b"\n")
        if is_json(last):
            self._stream.write("\n")
        elif last:
            self._stream.truncate(len(before + newline))

    def _sync(self) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())


def read_journal(directory: Path) -> tuple[str, dict[str, int]]:
    """The job of an unfinished directory, and the size of each weight file that is there whole.

    Raises:
        OutputError: if the journal is damaged.
    """
    job, sizes = "", {}
    for line in _lines(directory):
        if isinstance(line, _Job):
            job = line.job
        else:
            sizes[line.file] = line.bytes
    return job, {name: size for name, size in sizes.items() if _size(directory / name) == size}


def check_same(directory: Path, options: Mapping[str, str]) -> None:
    """Refuse to resume an unfinished directory with other options than it was begun with.

    Args:
        directory: the directory; nothing is refused where it holds no complete file.
        options: of the command, in words, "" for those that are not given.

    Raises:
        OutputError: an option differs, or the journal is damaged.
    """
    if not read_journal(directory)[1]:
        return
    before: dict[str, str] = next((line.options for line in _lines(directory) if isinstance(line, _Job)), {})
    if not before:
        raise OutputError(
            f"{directory} was begun by another command or version: remove it, or choose another --out"
        )
    for name in (name for name in options if name in before):
        if before[name] != options[name]:
            was, now = (_given(name, each[name]) for each in (before, options))
            raise OutputError(
                f"{directory} was begun {was}, and this command is {now}: pass the same as before, or "
                "remove it"
            )


def _given(name: str, value: str) -> str:
    if not value or value == SWITCHED_ON:
        return f"{'with' if value else 'without'} {name}"
    return f"with {name} {shortened(value, 40)}"


def _lines(directory: Path) -> list[Any]:
    path = directory / NAME
    return list(read_lines(path, _kind_of, OutputError, _REMEDY)) if is_there(path) else []


def _kind_of(line: dict[str, Any]) -> type[_Job | _File]:
    return _Job if "job" in line else _File


@contextmanager
def whole_file(path: Path, journal: Journal | None) -> Iterator[Path]:
    """Yield a temporary path next to `path`, which is renamed to `path` at the end.

    Args:
        path: the file; its content must be on disk when the block ends.
        journal: records the file then.
    """
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        yield part
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    part.replace(path)
    sync(path.parent)
    if journal is not None:
        journal.add(path.name)


def sync(path: Path) -> None:
    """Sync a file, or the entries of a directory, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def lock(stream: Any, wait: bool = False) -> bool:
    """Lock an open file until it is closed; with `wait`, after whoever holds it has released it.

    Returns:
        Whether it is locked; false where another process holds it, or the file system has no locks.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _remove(path: Path) -> None:
    import shutil

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
