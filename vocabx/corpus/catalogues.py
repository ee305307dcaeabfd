"""Translated strings of programs: the .mo catalogues of gettext, in which English is the source.

Reads what is installed on a machine or unpacked in a directory. It writes no catalogues, and leaves plural
forms and contexts as they are found.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from gettext import GNUTranslations
from pathlib import Path

# Where Linux and Python keep catalogues.
DIRECTORIES = tuple(
    dict.fromkeys(Path(root) / "share/locale" for root in ("/usr", "/usr/local", sys.base_prefix))
)
# "(_F)" after a menu's text, "_" or "&" or "~" in it.
_MENU_KEY = re.compile(r"\([_&~]\w\)|[_~](?=\w)|&(?=\w)(?!\w+;)")
# What gettext calls a script.
_SCRIPTS = {"Latn": "latin", "Cyrl": "cyrillic", "Deva": "devanagari"}


def translated(path: Path) -> Iterator[tuple[str, str]]:
    """The sources of a .mo file and what they are translated to, without menu keys.

    A source that is left in English is left out, and so is the file's header. A source may carry its context
    before the character U+0004.
    """
    with path.open("rb") as file:
        catalogue = _Catalogue(file)
    for source, text in catalogue._catalog.items():
        # The empty source is the file's header.
        original = source[0] if isinstance(source, tuple) else source
        if original and text.strip() and text != original.rpartition("\x04")[2]:
            yield original, _MENU_KEY.sub("", text)


class _Catalogue(GNUTranslations):
    """The base class has no public way to its strings."""

    _catalog: dict[str | tuple[str, int], str]


def locales_of(tag: str) -> tuple[str, ...]:
    """The names that gettext gives a language: of zh-Hant zh_TW, of sr-Latn sr@latin, of hi hi_IN and hi."""
    import langcodes

    language = langcodes.Language.get(tag).maximize()
    name, script, territory = str(language.language), str(language.script), str(language.territory)
    names = (f"{name}_{territory}", name)
    found = [one for one in names if langcodes.Language.get(one).maximize().script == script]
    return tuple(found) or (f"{name}@{_SCRIPTS.get(script, script.lower())}",)


def catalogue_files(tag: str, directories: Iterable[Path] = DIRECTORIES) -> list[Path]:
    """The catalogues of a language below `directories`, in the order of directories, names and paths."""
    return [
        path
        for directory in directories
        for locale in locales_of(tag)
        for path in sorted(directory.glob(f"{locale}/LC_MESSAGES/*.mo"))
    ]
