"""Sentences in a language with their translations into the base's: of a file, a package, or programs.

What is read: a file of two columns; the verses of two packaged Bibles, joined by book, chapter and verse; the
catalogues of the programs on this machine, joined by their message ids. Nothing is aligned by content.
"""

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vocabx._util.packaged import locate
from vocabx.corpus.catalogues import DIRECTORIES, catalogue_files, translated
from vocabx.corpus.convert import Converter
from vocabx.corpus.languages import Language, PackagedPairs
from vocabx.corpus.packaged_text import verses
from vocabx.corpus.translations import translations_in
from vocabx.errors import CorpusError

# Below it, a pair is the most similar one by chance too often [inferred]; about 100 are usual.
FEWEST = 20
# Characters of an English sentence of the packaged pairs.
_SHORT, _LONG = 20, 200
# A whole sentence, and none that a program fills in.
_SENTENCE = re.compile(r"[A-Z][^%{}<>|\\\n_&$\x04]+[.!?]")
_WORDS = 4


@dataclass(frozen=True)
class SentencePairs:
    """Sentences and their translations.

    Attributes:
        target: sentences in the new language.
        base_language: the translation of each.
        source: where they come from, for display.
    """

    target: tuple[str, ...]
    base_language: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.target)

    def drawn(self, count: int, seed: int) -> "SentencePairs":
        """At most `count` of the pairs, drawn by a keyed hash of both sentences, in their order.

        The source then says how many there are.
        """
        key = seed.to_bytes(8, "big") + b"pairs"

        def priority(number: int) -> bytes:
            pair = f"{self.target[number]}\t{self.base_language[number]}".encode()
            return hashlib.blake2b(pair, digest_size=8, key=key).digest()

        kept = sorted(sorted(range(len(self)), key=priority)[:count])
        of = f"of {len(self):,} " if len(kept) < len(self) else ""
        return replace(
            self,
            target=tuple(self.target[number] for number in kept),
            base_language=tuple(self.base_language[number] for number in kept),
            source=f"{self.source}: {len(kept):,} {of}pairs",
        )


def read_pairs(path: Path, scripts: Sequence[str] = ()) -> SentencePairs:
    """Read a file with a sentence, a tab and its translation in each line; blank lines are left out.

    A sentence that occurs again, in either column, is left out with its pair: it would have two partners.

    Args:
        path: the file, UTF-8, or UTF-16 or UTF-32 with a byte-order mark.
        scripts: Unicode script names of the new language; empty where they are unknown.

    Raises:
        CorpusError: the file is missing or is no such table, its columns are exchanged, or its pairs are
            fewer than `FEWEST`.
    """
    found = _distinct(translations_in(path, scripts), str(path))
    _check_number(found, f"pass at least {FEWEST}")
    return found


def default_pairs(language: Language, directories: Iterable[Path] = DIRECTORIES) -> SentencePairs:
    """The pairs of a language with English: of its packages, else of the programs on this machine.

    Args:
        language: with a profile or not.
        directories: where catalogues are.

    Raises:
        CorpusError: there are fewer than `FEWEST`.
        MissingPackageError: the packages of its profile are not installed; the message says how to.
    """
    if language.each != (language,):
        raise CorpusError("--alignment auto takes one language: pass --lang with one tag, or a file of pairs")
    if language.pairs is not None:
        return _verse_pairs(language.pairs)
    files = catalogue_files(language.tag, directories)
    pairs = sorted(pair for path in files for pair in _sentences(path))
    found = _distinct(pairs, f"the catalogues of {len(files):,} programs on this machine")
    _check_number(found, f"pass a file of pairs, since vocabx knows none for {language.name}")
    return found


def _distinct(pairs: Iterable[tuple[str, str]], source: str) -> SentencePairs:
    seen: tuple[set[str], set[str]] = (set(), set())
    kept = []
    for pair in pairs:
        if not any(text in known for text, known in zip(pair, seen, strict=True)):
            kept.append(pair)
        for text, known in zip(pair, seen, strict=True):
            known.add(text)
    return SentencePairs(tuple(pair[0] for pair in kept), tuple(pair[1] for pair in kept), source)


def _check_number(pairs: SentencePairs, advice: str) -> None:
    if len(pairs) < FEWEST:
        raise CorpusError(f"too few different pairs in {pairs.source} to compare, {len(pairs)}: {advice}")


def _verse_pairs(packaged: PackagedPairs) -> SentencePairs:
    """The verses that both Bibles number alike, with an English verse of 20 to 200 characters."""
    target, english = packaged.files
    other = _king_james(locate(english))
    common = (
        (text, other[place])
        for place, text in verses(locate(target))
        if _SHORT <= len(other.get(place, "")) <= _LONG
    )
    pairs = _distinct(
        common, f"verses of {target.package} {target.version} and {english.package} {english.version}"
    )
    if not packaged.opencc:
        return pairs
    convert = Converter(packaged.opencc)
    return replace(pairs, target=tuple(map(convert, pairs.target)))


def _king_james(path: Path) -> dict[tuple[int, int, int], str]:
    """The verses of the King James Version by number of the book, chapter and verse."""
    books: dict[str, int] = {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        verse = json.loads(line)
        book = books.setdefault(verse["book"], len(books))
        found[book, int(verse["chapter"]), int(verse["verse"])] = str(verse["text"])
    return found


def _sentences(path: Path) -> Iterator[tuple[str, str]]:
    """The translations of whole English sentences in a catalogue, with their source."""
    try:
        for source, text in translated(path):
            english = source.rpartition("\x04")[2].strip()
            if (
                _SHORT <= len(english) <= _LONG
                and _SENTENCE.fullmatch(english)
                and len(english.split()) >= _WORDS
                and "\n" not in text.strip()
            ):
                yield text.strip(), english
    except (OSError, ValueError, LookupError, struct.error):
        # A damaged catalogue of some program is no obstacle.
        return
