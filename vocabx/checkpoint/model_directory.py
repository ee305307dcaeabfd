"""The files of a model directory, which somebody else made: read only where they are what they say.

Regular files of that directory, JSON objects, an index that agrees with its shards. Knows no tables.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from vocabx._util import json_file
from vocabx._util.json_file import fit, is_there
from vocabx.errors import BaseModelError

REMEDY = "download it again"


class _Index(msgspec.Struct, frozen=True):
    """What is read of the index of a sharded model."""

    weight_map: dict[str, str]
    metadata: dict[str, Any] | None = None


def refuse_links(directory: Path) -> None:
    """Refuse a directory whose files are symbolic links to files elsewhere: they would be read, and copied.

    In the cache of the hub every file of a snapshot is a link to a blob of its repository. These are kept.

    Raises:
        BaseModelError: there is such a link, or the directory cannot be read.
    """
    home = Path(os.path.realpath(directory))
    repository = home.parent.parent
    is_snapshot = home.parent.name == "snapshots" and repository.name.startswith("models--")
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise BaseModelError(f"{directory} cannot be read: {error.strerror}") from None
    for path in entries:
        if not path.is_symlink() or path.is_dir():
            continue
        target = Path(os.path.realpath(path))
        if target.is_relative_to(home) or (is_snapshot and target.parent == repository / "blobs"):
            continue
        raise BaseModelError(
            f"{path} is a link to a file outside its directory: copy that file into its place if you trust it"
        )


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BaseModelError: there is no such file, or it holds something else.
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
    """Read the index of a sharded model: the name of a file in its directory for each tensor's name.

    Raises:
        BaseModelError: the index is damaged, or names a file elsewhere, or one that is not there.
    """
    where = read_weight_map(path)
    for name in sorted(set(where.values())):
        if Path(name).name != name:
            raise BaseModelError(f"{path} points outside its directory: do not trust this model")
        if not (path.parent / name).is_file():
            raise BaseModelError(f"{path.parent} has no {name!r}, which its index names: download it again")
    return where


def check_index(path: Path, where: Mapping[str, str], held: Mapping[str, Collection[str]]) -> None:
    """Check that each shard holds what the index says, and nothing else.

    Args:
        path: the index.
        where: its content; see `read_index`.
        held: the names of the tensors in each shard, by the shard's name.

    Raises:
        BaseModelError: a tensor is missing, is in two shards, or is in one that the index does not name.
    """
    for tensor, name in where.items():
        if tensor not in held[name]:
            raise BaseModelError(
                f"{path} says that {name} holds {tensor!r}, and it does not: download both again"
            )
    for name, tensors in held.items():
        for tensor in tensors:
            if where.get(tensor) != name:
                raise BaseModelError(
                    f"{path.parent / name} holds {tensor!r}, and its index does not say so: download both "
                    "again"
                )
