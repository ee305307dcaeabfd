"""Directories that appear under their final name only when whole."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vocabx.errors import OutputError


def check_free(target: Path) -> None:
    """Refuse a target that exists and holds something, or whose parent cannot hold it.

    Raises:
        OutputError: the target is a file or a directory that is not empty.
    """
    if target.is_dir():
        if any(target.iterdir()):
            raise OutputError(f"{target} exists and is not empty: choose another --out or remove it")
    elif target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists and is no directory: choose another --out")
    parent = next(p for p in target.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(f"cannot write into {parent}: choose another --out")


def check_space(target: Path, needed: int) -> None:
    """Refuse when the file system of `target` has less than `needed` bytes free.

    Raises:
        OutputError: too little space; the message gives both figures.
    """
    parent = next(p for p in target.absolute().parents if p.exists())
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise OutputError(
            f"{parent} has {free / 1e9:.2f} GB free and the result takes {needed / 1e9:.2f} GB: "
            "make room or choose another --out"
        )


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield an empty directory beside `target` that becomes `target` when the block ends without error.

    On any error, and on Ctrl-C, the directory is removed and `target` is as it was.

    Raises:
        OutputError: the disk is full or the target cannot be made.
    """
    target = target.absolute()
    made = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".unfinished", dir=target.parent))
    except OSError as error:
        _remove_empty(made)
        raise OutputError(f"cannot write to {target}: {error.strerror}; choose another --out") from None
    try:
        yield scratch
        for path in (*scratch.rglob("*"), scratch):
            _sync(path)
        if target.is_dir():
            target.rmdir()
        scratch.chmod(0o777 & ~_umask())
        scratch.rename(target)
        _sync(target.parent)
    except BaseException as error:
        shutil.rmtree(scratch, ignore_errors=True)
        _remove_empty(made)
        if isinstance(error, OSError) and error.errno is not None:
            raise OutputError(
                f"writing {target} failed: {error.strerror}; nothing was left there, make room or choose "
                "another --out"
            ) from None
        raise


def _remove_empty(directories: list[Path]) -> None:
    for directory in directories:
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
