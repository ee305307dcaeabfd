"""Unfinished directories of runs that were killed: found by their journal, removed if nobody holds them.

A hidden directory that cannot be resumed has a journal whose job says on which machine it is being filled.
Its run holds a lock on that file until the end; the system releases the lock of a process that dies.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from vocabx.checkpoint.journal import NAME as JOURNAL
from vocabx.checkpoint.journal import lock, read_journal
from vocabx.errors import OutputError

Note = Callable[[str], None]
SUFFIX = ".unfinished"
_JOB = "staged by vocabx on "


def staging_job() -> str:
    """The job in the journal of a directory that cannot be resumed."""
    return _JOB + socket.gethostname()


def remove_leftovers(parent: Path, note: Note) -> None:
    """Remove the unfinished directories in `parent` that a killed run left there, and name each.

    A directory is removed if its journal is vocabx's and of this machine, it belongs to this user, and no
    process holds it. One of another machine is only named, since its locks may not be visible here.

    Args:
        parent: the directory to look in.
        note: told of each directory in one sentence.
    """
    if sys.platform == "win32":
        return
    for path in sorted(parent.glob(f".*{SUFFIX}")):
        try:
            job = read_journal(path)[0]
            if not job.startswith(_JOB) or path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            with unheld(path / JOURNAL) as free:
                if free and job == staging_job():
                    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
                    shutil.rmtree(path)
                    note(f"Removed {path} ({size / 1e6:,.1f} MB), which a run that was killed had left.")
                elif free:
                    machine = job.removeprefix(_JOB)
                    note(f"{path} was left by a run on {machine}: remove it if that run has ended.")
        except (OSError, OutputError):
            continue


@contextmanager
def unheld(journal: Path) -> Iterator[bool]:
    """Whether no process holds a journal, which is then held here until the block ends."""
    # Not opened for appending, which would create it anew where its run has just finished.
    with journal.open("r+", encoding="utf-8") as stream:
        if not lock(stream):
            yield False
            return
        # The directory may have got its final name between opening and locking.
        yield os.path.samestat(os.fstat(stream.fileno()), journal.stat())


@contextmanager
def alone(target: Path, waiting: Callable[[], None]) -> Iterator[IO[str]]:
    """Wait until no other process makes `target`, and keep others from it until the block ends.

    Yields the file that is locked: a process that inherits it keeps others away, too.

    Args:
        target: a directory to make; its parent must exist.
        waiting: called before waiting.
    """
    path = target.with_name(f".{target.name}.lock")
    while True:
        stream = path.open("a+", encoding="utf-8")
        if not lock(stream):
            waiting()
            lock(stream, wait=True)
        try:
            same = os.path.samestat(os.fstat(stream.fileno()), path.stat())
        except FileNotFoundError:
            same = False
        if same:
            break
        # Whoever held it has removed it.
        stream.close()
    try:
        yield stream
    finally:
        path.unlink(missing_ok=True)
        stream.close()
