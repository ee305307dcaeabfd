"""Names that a user gives: of something on the disk, or of a repository on the hub."""

import os
from pathlib import Path

# In bytes, of Linux: of a path, and of each of its parts.
_LONGEST_PATH, _LONGEST_PART = 4095, 255


def path_of(name: str) -> Path:
    """The path that a name stands for, with ~ expanded where it names a known user.

    Not `Path.expanduser`, which raises for an unknown user: a directory may be named ~name too.
    """
    return Path(os.path.expanduser(name))  # noqa: PTH111


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a repository on the hub: owner/name, and no path."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def fits_a_name(name: str) -> bool:
    """Whether a file system can hold a file of this path; names on the hub are shorter."""
    data = name.encode("utf-8", "surrogatepass")
    return len(data) <= _LONGEST_PATH and max(map(len, data.split(b"/"))) <= _LONGEST_PART


def is_recordable(name: str) -> bool:
    """Whether a name can be written into our records, which are UTF-8; a shell can pass other bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in name
