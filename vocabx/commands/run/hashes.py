"""What files contain, by sha256; those that did not change since are not read again."""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from vocabx._util.json_file import Count, Written, read_fields
from vocabx._util.paths import path_of
from vocabx.checkpoint.manifest import file_hash
from vocabx.errors import RecipeError, VocabxError

NAME = "hashes.json"
_WILD = frozenset("*?[")
# A file that was changed within the resolution of its time of modification could be changed once more unseen.
_SETTLED_NS = 2_000_000_000
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class FileState(Written, frozen=True):
    """A file as it was: its size, its time of modification in ns, and the sha256 of its content."""

    bytes: Count
    changed: int
    sha256: Sha256


class _Known(Written, frozen=True):
    files: dict[str, FileState]


class Hashes:
    """The sha256 of files by absolute path, kept in a file between runs; what is lost is computed again."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        try:
            known = read_fields(self._path, _Known, RecipeError, "").files if self._path.exists() else {}
        except VocabxError:
            known = {}
        self._known, self._used = known, dict[str, FileState]()

    def state(self, path: Path) -> FileState:
        """The state of a file, which must exist."""
        name, stat = str(path.absolute()), path.stat()
        known = self._used.get(name) or self._known.get(name)
        if known is None or (known.bytes, known.changed) != (stat.st_size, stat.st_mtime_ns):
            known = FileState(stat.st_size, stat.st_mtime_ns, file_hash(path))
        if time.time_ns() - stat.st_mtime_ns > _SETTLED_NS:
            self._used[name] = known
        return known

    def of(self, path: Path) -> str:
        """The sha256 of a file's content and suffix, or of all files in a directory with their names."""
        if path.is_dir():
            return digest([[str(file.relative_to(path)), self.state(file).sha256] for file in files_in(path)])
        return digest([path.suffix, self.state(path).sha256])

    def write(self) -> None:
        """Keep what is known for the next run."""
        content = json.dumps(_Known({**self._known, **self._used}).plain())
        part = self._path.with_name(f".{NAME}.{os.getpid()}")
        part.write_text(content, encoding="utf-8")
        part.replace(self._path)


def digest(content: object) -> str:
    """The sha256 of plain data."""
    import hashlib

    data = json.dumps(content, ensure_ascii=True, sort_keys=True, default=str)
    return hashlib.sha256(data.encode()).hexdigest()


def files_in(directory: Path) -> list[Path]:
    """All files below a directory, sorted by their names."""
    found = (Path(where, name) for where, _, names in os.walk(directory, followlinks=True) for name in names)
    return sorted(path for path in found if path.is_file())


def paths_named(value: str, root: Path) -> list[Path]:
    """The files and directories that a value stands for, by name or pattern; none if it is no path."""
    path = root / path_of(value)
    try:
        if path.is_file() or path.is_dir():
            return [path]
        if not _WILD & {*value}:
            return []
        found: Iterable[Path] = Path(path.anchor or ".").glob(str(path.relative_to(path.anchor)))
        return sorted(one for one in found if one.is_file())
    except (OSError, ValueError):
        return []
