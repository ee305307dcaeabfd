"""Finds the files that a user names: paths, directories, globs. Tells what it passes over in directories."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from vocabx.corpus.formats import READ, Source, TextFile, format_of, size_of
from vocabx.corpus.remote import RemoteFile, find_remote, is_address
from vocabx.errors import CorpusError

# Beside text, not text: what accompanies data, by name without suffix.
_COMPANIONS = {
    "readme", "license", "licence", "copying", "notice", "authors", "citation", "changelog", "dataset_info",
    "dataset_infos", "dataset_dict", "state", "checksums", "sha256sums", "md5sums",
}  # fmt: skip
_NAMED = 3


@dataclass(frozen=True)
class Passed:
    """A file of a directory that is not read.

    Attributes:
        path, bytes: the file.
        companion: whether it is hidden, or accompanies data (a README, a licence), and is no text by intent.
    """

    path: TextFile
    bytes: int
    companion: bool


@dataclass(frozen=True)
class FoundTexts:
    """What patterns stand for.

    Attributes:
        sources: files, and names of data sets on the hub.
        passed: files of the directories that are not read.
        probed: files of the directories that may be something else than text: tables and .json.
        several: sources that a directory or a glob with several files stands for, none of them named itself.
    """

    sources: tuple[Source, ...]
    passed: tuple[Passed, ...] = ()
    probed: tuple[Path, ...] = ()
    several: frozenset[TextFile] = frozenset()

    @property
    def sentence(self) -> str:
        """What is not read, in one sentence with the largest by name, or "" if everything is."""
        return passed_over(self.sources, self.passed)


def find_texts(patterns: Iterable[str]) -> FoundTexts:
    """Find files, directories, globs and `hf://` names, sorted within each pattern.

    Args:
        patterns: a path to a file, a directory (read with all folders in it), a glob, or a hub data set as
            `hf://owner/name[/configuration][:split]`, or a file, directory or glob at an address of fsspec,
            such as `s3://bucket/texts/*.jsonl.zst`.

    Raises:
        CorpusError: a pattern matches nothing, or a file has an unsupported suffix.
    """
    sources: list[Source] = []
    passed: list[Passed] = []
    probed: list[Path] = []
    several: set[TextFile] = set()
    for pattern in patterns:
        if is_address(pattern):
            shards, over = _of_address(pattern)
            sources += shards
            several |= set(shards if len(shards) > 1 else ())
            passed += over
        elif pattern.startswith("hf://"):
            if not all(pattern.removeprefix("hf://").partition(":")[0].partition("/")[::2]):
                raise CorpusError(
                    f"{pattern} names no data set: pass hf://owner/name[/configuration][:split]"
                )
            sources.append(pattern)
        elif Path(pattern).is_dir():
            found, over = _of_directory(Path(pattern))
            sources += found
            several |= set(found if len(found) > 1 else ())
            passed += over
            probed += [path for path in found if format_of(path) in ("json", "csv", "tsv")]
        else:
            files = _of_files(pattern)
            sources += files
            several |= set(files if len(files) > 1 else ())
    return FoundTexts(tuple(sources), tuple(passed), tuple(probed), frozenset(several))


def resolve_sources(patterns: Iterable[str]) -> list[Source]:
    """The sources alone of `find_texts`."""
    return list(find_texts(patterns).sources)


def source_bytes(sources: Iterable[Source]) -> int | None:
    """Total bytes of the files of all sources, or None if one is a stream of unknown size."""
    total = 0
    for source in sources:
        size = None if isinstance(source, str) else size_of(source)
        if size is None:
            return None
        total += size
    return total


def passed_over(sources: Sequence[Source], passed: Sequence[Passed]) -> str:
    """One sentence on the files of directories that are not read, or ""."""
    unread = sorted((one for one in passed if not one.companion), key=lambda one: (-one.bytes, str(one.path)))
    companions = len(passed) - len(unread)
    beside = f"{companions} hidden files or READMEs, licences and the like" if companions else ""
    if not unread:
        return f"Not read: {beside}." if beside else ""
    files = len(sources) + len(unread)
    read = source_bytes(source for source in sources if not isinstance(source, str)) or 0
    missed = sum(one.bytes for one in unread)
    largest = ", ".join(f"{_shortened(one.path.name)} ({_size(one.bytes)})" for one in unread[:_NAMED])
    more = " and others" if len(unread) > _NAMED else ""
    also = f"; also {beside}" if beside else ""
    return (
        f"{len(unread):,} of {files:,} files are not read, {_size(missed)} of {_size(missed + read)}: "
        f"{largest}{more}{also}."
    )


def _of_files(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_file():
        found = [path]
    else:
        anchor = Path(path.anchor or ".")
        try:
            found = sorted(p for p in anchor.glob(str(path.relative_to(path.anchor))) if p.is_file())
        except ValueError as error:
            raise CorpusError(f"no such text: {pattern} ({error})") from None
    if not found:
        raise CorpusError(f"no such text: {pattern}")
    for one in found:
        _check_format(one)
    return found


def _of_directory(directory: Path) -> tuple[list[Path], list[Passed]]:
    found: list[Path] = []
    passed: list[Passed] = []
    for path in sorted(_files(directory)):
        size = path.stat().st_size
        companion = _is_companion(path.relative_to(directory))
        if companion or format_of(path) is None or not size:
            passed.append(Passed(path, size, companion))
        else:
            found.append(path)
    if not found:
        largest = max((one for one in passed if not one.companion), key=lambda one: one.bytes, default=None)
        over = f" (not read: {_shortened(largest.path.name)})" if largest else ""
        raise CorpusError(f"no text in the directory {directory}{over}: pass {READ}")
    return found, passed


def _of_address(pattern: str) -> tuple[list[RemoteFile], list[Passed]]:
    found = find_remote(pattern)
    if len(found) == 1:
        _check_format(found[0])
        return found, []
    shards: list[RemoteFile] = []
    passed: list[Passed] = []
    for file in found:
        companion = _is_companion(PurePosixPath(file.name))
        if companion or format_of(file) is None or file.bytes == 0:
            passed.append(Passed(file, file.bytes or 0, companion))
        else:
            shards.append(file)
    if not shards:
        raise CorpusError(f"no text at {pattern}: pass {READ}")
    return shards, passed


def _check_format(path: TextFile) -> None:
    if format_of(path) is None:
        raise CorpusError(f"cannot read {path}: pass {READ}")


def _files(directory: Path) -> Iterator[Path]:
    """All files below a directory, also through links to directories, each directory once."""

    def refuse(error: OSError) -> None:
        raise CorpusError(f"{error.filename} may not be read: check its permissions") from None

    seen: set[tuple[int, int]] = set()
    for where, folders, names in os.walk(directory, followlinks=True, onerror=refuse):
        status = Path(where).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (path for path in (Path(where, name) for name in names) if path.is_file())


def _is_companion(path: PurePath) -> bool:
    if any(part.startswith(".") for part in path.parts):
        return True
    named = path.name.lower().partition(".")[0] in _COMPANIONS
    return named and format_of(Path(path)) in (None, "txt", "json")


def _shortened(name: str) -> str:
    return name if len(name) <= 50 else f"{name[:24]}…{name[-24:]}"


def _size(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"
