"""Text that ships inside installed packages: one reader per source, named in the language profiles."""

import ast
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from vocabx._util.packaged import PackagedFile, is_installed, locate
from vocabx.corpus.document import Document


def read_packaged(file: PackagedFile) -> Iterator[Document]:
    """Yield the documents of a packaged file."""
    if file.reader == "pydoc_topics":
        yield from _pydoc_topics()
        return
    yield from _READERS[file.reader](locate(file))


def packaged_bytes(file: PackagedFile) -> int:
    """Size of the packaged file on disk; of text inside Python itself, what reading it counts."""
    if file.reader == "pydoc_topics":
        return sum(map(len, _topics().values()))
    return locate(file).stat().st_size


def is_readable(file: PackagedFile) -> bool:
    """Whether a packaged file of text is on this machine: installed, or inside Python itself."""
    return file.reader == "pydoc_topics" or is_installed(file)


def _taiwan_opinions(path: Path) -> Iterator[Document]:
    """Opinions of the justices of Taiwan's Constitutional Court, one zip member per case."""
    with zipfile.ZipFile(path) as archive:
        read = 0
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            if info.is_dir():
                continue
            read += info.compress_size
            for document in json.loads(archive.read(info))["documents"]:
                yield Document(document["text"], str(path), read)


def _taiwan_cases(path: Path) -> Iterator[Document]:
    """Decisions of the same court: the holding and reasoning of each case."""
    cases: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    size = path.stat().st_size
    for number, case in enumerate(cases.values(), 1):
        parts = [case.get(field) for field in ("main_text", "summary", "reasoning")]
        text = "\n\n".join(part for part in parts if isinstance(part, str) and part)
        yield Document(text, str(path), size * number // len(cases))


_VERSE = re.compile(r"^(\w+) (\d+):(\d+) ?")


def _union_bible(path: Path) -> Iterator[Document]:
    """The Chinese Union Version of 1919, one document per chapter; ideographic spaces mark reverence."""
    chapter: list[str] = []
    current: tuple[str, str] | None = None
    read = 0
    for verse, text, read in _verse_lines(path):
        if current not in (None, verse.group(1, 2)):
            yield Document("\n".join(chapter), str(path), read)
            chapter = []
        current = (verse[1], verse[2])
        chapter.append(text)
    yield Document("\n".join(chapter), str(path), read)


def verses(path: Path) -> Iterator[tuple[tuple[int, int, int], str]]:
    """The verses of the Chinese Union Version: number of the book from 0, chapter and verse; and the text."""
    books: dict[str, int] = {}
    for verse, text, _ in _verse_lines(path):
        yield (books.setdefault(verse[1], len(books)), int(verse[2]), int(verse[3])), text


def _verse_lines(path: Path) -> Iterator[tuple[re.Match[str], str, int]]:
    """What names each verse, its text, and the bytes read up to its end."""
    read = 0
    for raw in path.read_bytes().splitlines(keepends=True):
        line = raw.decode("big5hkscs")
        verse = _VERSE.match(line)
        read += len(raw)
        if verse is not None:
            yield verse, line[verse.end() :].strip(), read


_VERSES_IN_CHAPTER = 1000


def _pythonbible(path: Path) -> Iterator[Document]:
    """A Bible of the package pythonbible, one document per chapter: a text, and where its verses begin.

    It is a Python file, which is read and not run. Apostrophes are backticks in it.
    """
    source = path.read_bytes()
    arguments = next(
        node.args
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and any(isinstance(one, ast.Dict) for one in node.args)
    )
    text = max((ast.literal_eval(one) for one in arguments if isinstance(one, ast.Constant)), key=_length)
    verses: dict[int, int] = ast.literal_eval(next(one for one in arguments if isinstance(one, ast.Dict)))
    begins: dict[int, int] = {}
    for verse, begin in sorted(verses.items()):
        begins.setdefault(verse // _VERSES_IN_CHAPTER, begin)
    places = [*begins.values(), len(text)]
    for number, (begin, end) in enumerate(pairwise(places), 1):
        read = len(source) * number // len(begins)
        yield Document(text[begin:end].replace("`", "'").strip(), str(path), read)


def _length(value: object) -> int:
    return len(value) if isinstance(value, str) else 0


def _pydoc_topics() -> Iterator[Document]:
    """The language reference that Python ships for its help(): English technical prose."""
    topics, read = _topics(), 0
    for name in sorted(topics):
        read += len(topics[name])
        yield Document(topics[name], "pydoc_data.topics", read)


def _topics() -> dict[str, str]:
    from pydoc_data.topics import topics

    return topics


_READERS: dict[str, Callable[[Path], Iterator[Document]]] = {
    "taiwan_opinions": _taiwan_opinions,
    "taiwan_cases": _taiwan_cases,
    "union_bible": _union_bible,
    "pythonbible": _pythonbible,
}
