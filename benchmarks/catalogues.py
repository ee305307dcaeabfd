"""Real text of a language from translated programs: the strings of .mo catalogues, one a line.

    python benchmarks/catalogues.py hi [DIRECTORY ...] > hi.txt

Reads every LANGUAGE/LC_MESSAGES/*.mo below the directories, as below /usr/share/locale. Without a directory
it fetches the Debian packages named here (`apt-get download`, some 60 MB once) and reads theirs, from the
user's cache. Strings left in English are not the language's; marks of menu keys are taken out.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from gettext import GNUTranslations
from pathlib import Path

from material import CACHE

from vocabx.corpus.read_text import Document

# Large programs with catalogues in many languages; {} is the language.
_PACKAGES = (
    "libreoffice-l10n-{}", "evolution-common", "gnucash-common", "cinnamon-l10n", "inkscape", "gimp-data",
    "krita-l10n", "libgtk-3-common", "gnome-control-center-data",
)  # fmt: skip
# "(_F)" after a menu's text, "_" or "&" or "~" in it.
_MENU_KEY = re.compile(r"\([_&~]\w\)|[_~](?=\w)|&(?=\w)(?!\w+;)")
_DOCUMENT_LINES = 100


def main() -> None:
    language, *directories = sys.argv[1:] or ["--help"]
    if language.startswith("-"):
        raise SystemExit(__doc__)
    where = [Path(directory) for directory in directories] or packages(language)
    for document in catalogues(language, where):
        print(document.text)


def packages(language: str) -> list[Path]:
    """The catalogues of the Debian packages, unpacked in the cache: a directory a package."""
    return [_unpacked(name.format(language), language) for name in _PACKAGES]


def versions(directories: Sequence[Path]) -> list[str]:
    """The packages by name and version."""
    return [directory.parent.name for directory in directories]


def catalogues(language: str, directories: Sequence[Path]) -> Iterator[Document]:
    """The distinct translated strings below `directories`, a hundred a document, in their files' order."""
    seen: set[str] = set()
    for directory in directories:
        for path in sorted(directory.rglob(f"{language}/LC_MESSAGES/*.mo")):
            fresh = [text for text in _strings(path) if not (text in seen or seen.add(text))]
            for start in range(0, len(fresh), _DOCUMENT_LINES):
                yield Document("\n".join(fresh[start : start + _DOCUMENT_LINES]), str(path), 0)


def _strings(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        # The catalogue has no public way to its strings.
        translated = GNUTranslations(file)._catalog
    for source, text in translated.items():
        # The empty source is the file's header; a source may carry its context before \x04.
        original = source[0] if isinstance(source, tuple) else source
        if original and text.strip() and text != original.rpartition("\x04")[2]:
            yield _MENU_KEY.sub("", text)


def _unpacked(package: str, language: str) -> Path:
    """The catalogues of a package in one language."""
    debs = CACHE / "debian"
    debs.mkdir(parents=True, exist_ok=True)
    if not list(debs.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "download", "--quiet=2", package], cwd=debs, check=True)
    deb = max(debs.glob(f"{package}_*.deb"))
    target = debs / deb.stem / language
    if not target.is_dir():
        target.mkdir(parents=True)
        pattern = f"*/{language}/LC_MESSAGES/*.mo"
        files = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, capture_output=True).stdout
        # tar's status says when nothing matched: not every program speaks every language.
        unpack = ["tar", "--extract", "--wildcards", f"--directory={target}", pattern]
        subprocess.run(unpack, input=files, capture_output=True, check=False)
    return target


if __name__ == "__main__":
    main()
