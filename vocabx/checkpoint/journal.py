"""The journal of an unfinished directory: the job it belongs to, and which weight files are complete.

One JSON object per line: the job first, then each file once it is on disk under its final name. A line
that was truncated by a crash is ignored.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vocabx.errors import OutputError

NAME = "unfinished.jsonl"


class Journal:
    """The complete files of `directory`, locked by one process at a time.

    Attributes:
        directory: the directory being written.
        whole: size in bytes of each complete weight file.
    """

    def __init__(self, directory: Path) -> None:
        """Open the journal of an existing directory, or create one.

        Raises:
            OutputError: if another process holds it.
            OSError: if it cannot be read or written.
        """
        self.directory = directory
        self._stream = (directory / NAME).open("a+", encoding="utf-8")
        if not _lock(self._stream):
            self._stream.close()
            raise OutputError(f"another run is writing {directory}: wait for it, or choose another --out")
        self._job, self.whole = read_journal(directory)

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
            self._add({"job": job})
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

    def _sync(self) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())


def read_journal(directory: Path) -> tuple[str, dict[str, int]]:
    """The job of an unfinished directory, and the size of each complete weight file."""
    job, whole = "", {}
    try:
        lines = (directory / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "", {}
    for line in lines:
        try:
            entry = json.loads(line)
            job = str(entry.get("job", job))
            if "file" in entry:
                whole[str(entry["file"])] = int(entry["bytes"])
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return job, {name: size for name, size in whole.items() if _size(directory / name) == size}


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


def _lock(stream: Any) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(path: Path) -> None:
    import shutil

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
