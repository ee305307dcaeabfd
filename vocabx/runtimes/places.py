"""Where runtimes are installed: in vocabx's own environment, and where --runtimes-at says."""

import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from vocabx._util.paths import fits_a_name, path_of
from vocabx._util.shorten import shortened
from vocabx.errors import OptionError
from vocabx.runtimes.registry import find_runtimes
from vocabx.runtimes.runtime import Place, Runtime

_OPTION = "--runtimes-at"
_LONGEST = 120


def places_of(runtimes: Sequence[Runtime], given: Sequence[str]) -> list[tuple[Runtime, Place]]:
    """Each runtime with each place where it is looked for, vocabx's own environment first.

    Args:
        runtimes: the runtimes.
        given: places as users write them: a folder for all of them, or NAME=PATH for one: the path of a
            Python, of a folder that `pip install --target` filled, or of one that holds node_modules.

    Raises:
        OptionError: a place is not there, is no such place, or names an unknown runtime or one that is not
            installed in it.
    """
    places = [_place(text) for text in given]
    return [
        (runtime, place)
        for runtime in runtimes
        for place in (Place(), *(place for owner, place in places if _is_for(runtime, owner, place)))
    ]


def _place(text: str) -> tuple[Runtime | None, Place]:
    """A place, and the runtime that it is for, None for all."""
    name, equals, rest = text.partition("=")
    whole = path_of(text)
    owner, path = None, whole
    if equals and not (fits_a_name(text) and whole.is_dir()):
        (owner, *_), path = find_runtimes([name]), path_of(rest)
    readable = fits_a_name(str(path))
    if readable and path.is_dir():
        place = Place(str(path), folders=(path.resolve(),))
        if owner is not None and not _holds(place, owner):
            shown = shortened(str(path), _LONGEST)
            raise OptionError(f"{_OPTION}: {shown} holds no {owner.package}: pass the folder it is in")
        return owner, place
    if readable and path.is_file() and os.access(path, os.X_OK) and owner is not None and not owner.node:
        # A Python of a virtual environment is a link, and what it is called decides.
        return owner, Place(str(path), python=str(path.absolute()))
    raise OptionError(
        f"{_OPTION}: {shortened(text, _LONGEST)} is neither a folder with packages nor NAME=PYTHON for a "
        "runtime: pass one"
    )


def _is_for(runtime: Runtime, owner: Runtime | None, place: Place) -> bool:
    return _holds(place, runtime) if owner is None else owner is runtime


def _holds(place: Place, runtime: Runtime) -> bool:
    """Whether a runtime is installed in the folder of a place."""
    (folder,) = place.folders
    if runtime.node:
        return (modules_in(folder) / runtime.package / "package.json").is_file()
    return any(metadata.distributions(name=runtime.package, path=[str(folder)]))


def modules_in(folder: Path) -> Path:
    """The node_modules of a folder, which may be it."""
    return folder if folder.name == "node_modules" else folder / "node_modules"
