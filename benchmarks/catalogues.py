"""Real text of a language from translated programs: the strings of .mo catalogues, one per line.

    python benchmarks/catalogues.py hi [DIRECTORY ...] > hi.txt

Reads every LANGUAGE/LC_MESSAGES/*.mo below the directories, as below /usr/share/locale. Without a directory
it fetches the Debian packages named here (`apt-get download`, some 60 MB once) and reads theirs, from the
user's cache. Strings left in English are not the language's; marks of menu keys are taken out.
"""

import argparse
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from texts import CACHE, in_documents

from vocabx.corpus.catalogues import translated
from vocabx.corpus.document import Document

# Large programs with catalogues in many languages; {} is the language.
_PACKAGES = (
    "libreoffice-l10n-{}", "evolution-common", "gnucash-common", "cinnamon-l10n", "inkscape", "gimp-data",
    "krita-l10n", "libgtk-3-common", "gnome-control-center-data",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("language")
    parser.add_argument("directories", nargs="*", metavar="DIRECTORY")
    options = parser.parse_args(arguments)
    for document in catalogues_of(options.language, options.directories)[1]:
        print(document.text)


def add_catalogue_option(parser: argparse.ArgumentParser) -> None:
    """Add `--catalogues`: directories to read instead of Debian's packages."""
    parser.add_argument(
        "--catalogues", nargs="+", default=(), metavar="DIRECTORY", help="instead of Debian's packages"
    )


def catalogues_of(language: str, directories: Sequence[str] = ()) -> tuple[list[str], Iterator[Document]]:
    """The strings of a language, and where they come from.

    Args:
        language: as gettext names it.
        directories: to read; by default the Debian packages, which are fetched once.

    Returns:
        The directories or the packages by name and version, and the strings as documents.
    """
    if directories:
        return list(directories), catalogues(language, map(Path, directories))
    # Debian's names have a hyphen and no capitals.
    debian = language.lower().replace("_", "-")
    unpacked = [_unpacked(name.format(debian), language) for name in _PACKAGES]
    return [path.parent.name for path in unpacked], catalogues(language, unpacked)


def parallel_strings(languages: Sequence[str], size: int, directories: Sequence[str] = ()) -> list[list[str]]:
    """The same strings in several languages, about `size` characters of English; see `catalogues_of`."""
    found: list[dict[tuple[str, str], str]] = []
    for language in languages:
        debian = language.lower().replace("_", "-")
        places = [Path(one) for one in directories] or [
            _unpacked(name.format(debian), language) for name in _PACKAGES
        ]
        files = [path for one in places for path in sorted(one.rglob(f"{language}/LC_MESSAGES/*.mo"))]
        found.append({(path.name, source): text for path in files for source, text in translated(path)})
    common = sorted(set.intersection(*map(set, found)))
    # Spread over all programs.
    step = max(1, sum(len(source) for _, source in common) // size)
    return [[strings[key] for key in common[::step]] for strings in found]


def catalogues(language: str, directories: Iterable[Path]) -> Iterator[Document]:
    """The distinct translated strings below `directories`, in their files' order."""
    seen: set[str] = set()
    for directory in directories:
        for path in sorted(directory.rglob(f"{language}/LC_MESSAGES/*.mo")):
            fresh = [text for text in dict.fromkeys(translations(path)) if text not in seen]
            seen.update(fresh)
            yield from in_documents(fresh, str(path))


def translations(path: Path) -> Iterator[str]:
    """The translated strings of a .mo file, in the order of their sources, without menu keys."""
    return (text for _, text in translated(path))


def package_file(package: str) -> Path:
    """A Debian package in the cache, fetched once."""
    debs = CACHE / "debian"
    debs.mkdir(parents=True, exist_ok=True)
    if not list(debs.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "download", "--quiet=2", package], cwd=debs, check=True)
    return max(debs.glob(f"{package}_*.deb"))


def _unpacked(package: str, language: str) -> Path:
    """The catalogues of a package in one language."""
    deb = package_file(package)
    target = deb.with_suffix("") / language
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
