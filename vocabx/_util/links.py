"""Symbolic links in a directory that somebody else filled: which of them lead out of it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from vocabx.errors import VocabxError


def leads_out(path: Path, directory: Path) -> bool:
    """Whether `path`, or a directory on its way from `directory`, is a link to something elsewhere.

    In the hub's cache, every file of a snapshot is a link to a blob of its repository; these are inside.
    """
    home = Path(os.path.realpath(directory))
    target = Path(os.path.realpath(path))
    if target.is_relative_to(home):
        return False
    repository = home.parent.parent
    is_snapshot = home.parent.name == "snapshots" and repository.name.startswith("models--")
    return not (is_snapshot and target.parent == repository / "blobs")


def refusal_of(path: Path, error: type[VocabxError]) -> VocabxError:
    """What to raise for a link that leads out."""
    return error(
        f"{path} is a link to a file outside its directory: replace it with a copy if you trust the file"
    )


def files_in(directory: Path, folder: Path, error: type[VocabxError]) -> Iterator[Path]:
    """The files in `folder`, sorted, with those in its own folders.

    Args:
        directory: what links must not lead out of.
        folder: `directory` or a folder in it.
        error: what to raise.

    Raises:
        VocabxError: a link leads out.
    """
    if leads_out(folder, directory):
        raise refusal_of(folder, error)
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and leads_out(path, directory):
            raise refusal_of(path, error)
        if path.is_file():
            yield path


def copy_folder(directory: Path, name: str, target: Path, error: type[VocabxError]) -> None:
    """Copy the files of the folder `name` of `directory` into one of `target`, if there is such a folder.

    Raises:
        VocabxError: a link leads out of `directory`.
    """
    if not (directory / name).is_dir():
        return
    for path in files_in(directory, directory / name, error):
        place = target / path.relative_to(directory)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
