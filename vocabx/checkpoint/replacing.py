"""Which directories --force may overwrite: those that vocabx wrote, and nothing that is read meanwhile."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from vocabx.errors import OutputError

# The record in each kind of output, and fields that it has.
_RECORDS = {
    "vocabx.json": ("format", "version"),
    "training.json": ("format", "version"),
    "compare.json": ("version", "rows", "probe_steps"),
    "evaluation.json": ("version", "models", "prompts"),
}
_LARGEST = 1 << 26


def check_replaceable(target: Path) -> None:
    """Refuse a directory that vocabx did not write.

    Args:
        target: an existing directory that is not empty.

    Raises:
        OutputError: if none of its files is a record that vocabx writes with its results, or it is a link,
            the working directory, or one above that.
    """
    if target.is_symlink():
        raise OutputError(f"{target} is a link: --force overwrites a directory only under its own name")
    if Path.cwd().resolve().is_relative_to(target.resolve()):
        raise OutputError(f"{target} is the working directory or holds it: choose another --out")
    if not any(_is_record(target / name, fields) for name, fields in _RECORDS.items()):
        raise OutputError(
            f"{target} was not written by vocabx: it has no {', '.join(list(_RECORDS)[:-1])} or "
            f"{list(_RECORDS)[-1]}, and --force overwrites nothing else: choose another --out"
        )


def check_not_read(target: Path, inputs: Iterable[Path | str]) -> None:
    """Refuse to overwrite what the command reads.

    Args:
        target: the directory to write.
        inputs: files and directories that are read, or names that are none.

    Raises:
        OutputError: if one of them is the target, or inside it.
    """
    if not target.exists():
        return
    whole = Path(os.path.realpath(target))
    for name in inputs:
        # Of a pattern, what stands before its first wildcard.
        read = next((path for path in (Path(name), *Path(name).parents) if path.exists()), None)
        if str(name) and read and Path(os.path.realpath(read)).is_relative_to(whole):
            raise OutputError(f"{target} holds {name}, which this command reads: choose another --out")


def _is_record(path: Path, fields: tuple[str, ...]) -> bool:
    """Whether a file is a JSON object with these fields."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return False
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() >= {*fields}
