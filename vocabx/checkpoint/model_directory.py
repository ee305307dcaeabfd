"""Reading the files of an untrusted model directory.

Only regular files inside the directory, valid JSON objects, and an index that fits its shards are accepted.
"""

from pathlib import Path
from typing import Any

import msgspec

from vocabx._util import json_file
from vocabx._util.json_file import fit, is_there
from vocabx._util.links import leads_out, refusal_of
from vocabx.errors import BaseModelError

REMEDY = "download it again"


class _Index(msgspec.Struct, frozen=True):
    """What is read of the index of a sharded model."""

    weight_map: dict[str, str]
    metadata: dict[str, Any] | None = None


def refuse_links(directory: Path) -> None:
    """Refuse a directory with symbolic links to files elsewhere, which would be read and copied.

    In the hub's cache, every file of a snapshot is a link to a blob of its repository; these are allowed.

    Raises:
        BaseModelError: if there is such a link, or the directory cannot be read.
    """
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise BaseModelError(f"{directory} cannot be read: {error.strerror}") from None
    for path in entries:
        if path.is_symlink() and not path.is_dir() and leads_out(path, directory):
            raise refusal_of(path, BaseModelError)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BaseModelError: if the file is missing, or holds anything else.
    """
    if not is_there(path):
        raise BaseModelError(f"{path.parent} has no {path.name}")
    return json_file.read_object(path, BaseModelError, REMEDY)


def read_weight_map(path: Path, remedy: str = REMEDY) -> dict[str, str]:
    """Read the index of a sharded model: which file is said to hold each tensor, by its name.

    Args:
        path: the index.
        remedy: what the user can do where it is damaged.

    Raises:
        BaseModelError: it is damaged.
    """
    content = json_file.read_object(path, BaseModelError, remedy)
    return fit(path, content, _Index, BaseModelError, remedy).weight_map


def read_index(path: Path) -> dict[str, str]:
    """Read the index of a sharded model: the file name of each tensor.

    Raises:
        BaseModelError: if the index is damaged, or lists a file that is missing or outside the directory.
    """
    where = read_weight_map(path)
    for name in sorted(set(where.values())):
        if Path(name).name != name:
            raise BaseModelError(f"{path} points outside its directory: do not trust this model")
        if not (path.parent / name).is_file():
            raise BaseModelError(f"{path.parent} has no {name!r}, which its index lists: download it again")
    return where
