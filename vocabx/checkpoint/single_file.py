"""A file that appears under its final name only once complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vocabx.checkpoint.journal import sync
from vocabx.checkpoint.leftovers import Note
from vocabx.checkpoint.staging import scratch_directory, umask
from vocabx.errors import OutputError


def check_target(target: Path, needed: int = 0, flag: str = "--gguf") -> None:
    """Refuse a target that exists, that cannot be written, or for which there is no room.

    Args:
        target: the file to write.
        needed: its size in bytes.
        flag: the option that named it.

    Raises:
        OutputError: if any of these is the case.
    """
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists: choose another {flag} or remove it")
    parent = next(path for path in target.absolute().parents if path.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(f"cannot write to {parent}: choose another {flag}")
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise OutputError(
            f"{parent} has {free / 1e9:.2f} GB free and the file needs {needed / 1e9:.2f} GB: make room or "
            f"choose another {flag}"
        )


@contextmanager
def staged_file(target: Path, note: Note = lambda text: None, flag: str = "--gguf") -> Iterator[Path]:
    """Yield the path of an empty file that is renamed to `target` when the block succeeds.

    On any error, and on Ctrl-C, it is removed. What a killed run left beside `target` is removed first.

    Args:
        target: the file to make.
        note: told of what was removed.
        flag: the option that named it.

    Raises:
        OutputError: if the disk is full or the file cannot be created.
    """
    target = target.absolute()
    with scratch_directory(
        target, note, f"no file was left behind, make room or choose another {flag}"
    ) as scratch:
        path = scratch / target.name
        path.touch()
        yield path
        path.chmod(0o666 & ~umask())
        sync(path)
        path.rename(target)
        sync(target.parent)
        shutil.rmtree(scratch)
