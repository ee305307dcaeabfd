"""Copying files in the kernel: blocks are shared if the file system can, else copied outside Python."""

import errno
import os
import sys
from pathlib import Path
from typing import Literal

from vocabx.errors import BaseChangedError
from vocabx.progress import Advance

Carried = Literal["linked", "shared", "copied"]
Advance = Advance

# FICLONE of linux/fs.h: both files share their blocks until one of them is modified.
_FICLONE = 0x40049409
# Bytes per system call; between calls, signals are handled and progress is reported.
_CHUNK = 1 << 26
_SMALL = 1 << 22
_CANNOT = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM, errno.ETXTBSY}


def carry_file(source: Path, target: Path, link: bool, advance: Advance = lambda done: None) -> Carried:
    """Copy a file to `target` in the cheapest way that the file system supports.

    Args:
        source: the file; for a symbolic link, its target.
        target: a file that does not exist.
        link: make a hard link, so that both names are one file: a change to one changes the other.
        advance: called with bytes done.

    Returns:
        "linked", "shared" (copy-on-write) or "copied".

    Raises:
        OSError: if the disk is full, or a file cannot be read or written.
    """
    source = source.resolve()
    size = source.stat().st_size
    if link and _linked(source, target):
        advance(size)
        return "linked"
    with source.open("rb", buffering=0) as reader, target.open("xb", buffering=0) as writer:
        if _cloned(reader.fileno(), writer.fileno()):
            advance(size)
            return "shared"
        copy_range(reader.fileno(), writer.fileno(), 0, size, advance)
        os.fsync(writer.fileno())
    return "copied"


def copy_range(
    reader: int, writer: int, offset: int, length: int, advance: Advance = lambda done: None
) -> None:
    """Copy `length` bytes of a file, starting at `offset`, to the current position of another.

    Args:
        reader, writer: unbuffered file descriptors.
        offset: offset in the source file, whose own position does not change.
        length: number of bytes.
        advance: called with bytes done.

    Raises:
        BaseChangedError: if the source file has become shorter.
        OSError: if the disk is full, or a file cannot be read or written.
    """
    copy = _in_kernel if hasattr(os, "copy_file_range") else _in_python
    end = offset + length
    while offset < end:
        count = min(_CHUNK, end - offset)
        _read_ahead(reader, offset + count, count)
        try:
            done = copy(reader, writer, offset, count)
        except OSError as error:
            if copy is _in_python or error.errno not in _CANNOT:
                raise
            copy = _in_python
            continue
        if not done:
            raise BaseChangedError("the base changed while it was being read: run the command again")
        _write_behind(writer, done)
        offset += done
        advance(done)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS):
            return False
        raise
    return True


def _cloned(reader: int, writer: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(writer, _FICLONE, reader)
    except OSError:
        return False
    return True


def _read_ahead(reader: int, offset: int, count: int) -> None:
    """Let the kernel read what follows while these bytes are copied, for tensors mostly lie side by side."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(reader, offset, count, os.POSIX_FADV_WILLNEED)


def _write_behind(writer: int, count: int) -> None:
    """Let the kernel write the last bytes to the disk at once, and not when a sync waits for all of them.

    On Linux that is what saying that they are not needed in memory does.
    """
    if hasattr(os, "posix_fadvise"):
        start = os.lseek(writer, 0, os.SEEK_CUR) - count
        os.posix_fadvise(writer, start, count, os.POSIX_FADV_DONTNEED)


def _in_kernel(reader: int, writer: int, offset: int, count: int) -> int:
    return os.copy_file_range(reader, writer, count, offset)


def _in_python(reader: int, writer: int, offset: int, count: int) -> int:
    """Fallback for other systems, and for file systems between which the kernel cannot copy."""
    block = os.pread(reader, min(_SMALL, count), offset)
    view = memoryview(block)
    while view:
        view = view[os.write(writer, view) :]
    return len(block)
