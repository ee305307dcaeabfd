"""Names that a user gives: of something on the disk, or of a repository on the hub."""

import os
from pathlib import Path


def path_of(name: str) -> Path:
    """The path that a name stands for, with ~ expanded where it names a known user.

    Not `Path.expanduser`, which raises for an unknown user: a directory may be named ~name too.
    """
    return Path(os.path.expanduser(name))  # noqa: PTH111


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a repository on the hub: owner/name, and no path."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))
