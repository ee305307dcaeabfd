"""FreeDict in the DICT server's format: an index of headwords, and entries in a .dict or .dict.dz file.

An index line has a headword, and the offset and length of its entry in base 64. An entry begins with its
headword; translations follow, with grammar in <>, subject fields in [], and indented notes.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from vocabx.errors import VectorsError

_WHERE = Path("/usr/share/dictd")
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
# FreeDict uses the code of the member language where ISO 639-3 has a macrolanguage.
_MEMBERS = {"swa": "swh", "ara": "ara", "nor": "nob", "msa": "zsm"}
_NOTE = re.compile(r"^(?:   |\s*[\w ]+:(?:\s|$))")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\]]*\]|<[^>]*>|\{[^}]*\}|/[^/]*/")
_NUMBER = re.compile(r"^\s*\d+[.)]\s*")


def find_freedict(name: str, target: str, source: str) -> Path:
    """Return the .index file for `name`: "freedict" for the language pair, or a name with both codes.

    Raises:
        VectorsError: it is not installed.
    """
    one, other = _code(source), _code(target)
    names = [name] if name != "freedict" else [f"freedict-{one}-{other}", f"freedict-{other}-{one}"]
    for candidate in names:
        path = _WHERE / f"{candidate}.index"
        if path.is_file():
            return path
    raise VectorsError(
        f"no {' or '.join(names)} in {_WHERE}: install the Debian package dict-{names[0]}, or pass the path "
        "of its .index file"
    )


def read_freedict(path: Path, source: str) -> Iterator[tuple[str, str]]:
    """Yield (source word, target word), single words only.

    The languages of a file are those in its name, e.g. freedict-eng-deu; it is reversed if the second one is
    the source. A file with another name is taken to go from the source to the target.

    Raises:
        VectorsError: the entries are missing, or the index does not fit them.
    """
    entries = _entries(path)
    names = re.search(r"([a-z]{3})-([a-z]{3})$", path.stem)
    reverse = names is not None and names[2] == _code(source) != names[1]
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            headword, offset, length = line.split("\t")[:3]
            start = _value(offset)
            entry = entries[start : start + _value(length)].decode("utf-8", "replace")
        except (ValueError, KeyError):
            raise VectorsError(f"{path}: not an index of the DICT server: {line[:60]!r}") from None
        if headword.startswith("00") or not _single(headword):
            continue
        for translation in _translations(entry):
            yield (translation, headword) if reverse else (headword, translation)


def _entries(path: Path) -> bytes:
    """The entries beside an index; .dz is gzip with an index for random access, which gzip skips."""
    packed, plain = path.with_suffix(".dict.dz"), path.with_suffix(".dict")
    try:
        return gzip.decompress(packed.read_bytes()) if packed.is_file() else plain.read_bytes()
    except FileNotFoundError:
        raise VectorsError(f"{path}: needs {plain.name} or {packed.name} beside it") from None
    except (OSError, EOFError, zlib.error):
        raise VectorsError(f"{packed}: cannot be decompressed: download it again") from None


def _translations(entry: str) -> Iterator[str]:
    for line in entry.split("\n")[1:]:
        if _NOTE.match(line):
            continue
        plain = _NUMBER.sub("", _ASIDE.sub("", line))
        for word in re.split(r"[,;/]", plain):
            if _single(word.strip()):
                yield word.strip()


def _single(text: str) -> bool:
    """Whether the text is a single word that begins with a letter."""
    return bool(text) and not re.search(r"[\s.:~\"]", text) and text[0].isalpha()


def _value(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 64 + _VALUES[digit]
    return value


def _code(tag: str) -> str:
    """FreeDict's three-letter code of a language."""
    import langcodes

    code = str(langcodes.Language.get(tag).to_alpha3())
    return _MEMBERS.get(code, code)
