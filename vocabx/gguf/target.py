"""A file that appears under its final name only once complete."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vocabx.checkpoint.journal import sync
from vocabx.checkpoint.staging import umask
from vocabx.errors import OutputError


def check_target(target: Path, needed: int = 0) -> None:
    """Refuse a target that exists, that cannot be written, or for which there is no room.

    Args:
        target: the file to write.
        needed: its size in bytes.

    Raises:
        OutputError: if any of these is the case.
    """
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists: choose another --gguf or remove it")
    parent = next(path for path in target.absolute().parents if path.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(f"cannot write to {parent}: choose another --gguf")
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise OutputError(
            f"{parent} has {free / 1e9:.2f} GB free and the file needs {needed / 1e9:.2f} GB: make room or "
            "choose another --gguf"
        )


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """Yield the path of an empty file next to `target` that is renamed to `target` when the block succeeds.

    On any error, and on Ctrl-C, it is removed.

    Raises:
        OutputError: if the disk is full or the file cannot be created.
    """
    target = target.absolute()
    scratch: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".unfinished", dir=target.parent)
        scratch = Path(name)
        os.close(handle)
        yield scratch
        scratch.chmod(0o666 & ~umask())
        sync(scratch)
        scratch.rename(target)
        sync(target.parent)
    except BaseException as error:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise OutputError(
                f"writing {target} failed: {error.strerror}; no file was left behind, make room or choose "
                "another --gguf"
            ) from None
        raise
