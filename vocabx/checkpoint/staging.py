"""Directories that appear under their final name only once complete."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from vocabx.checkpoint.journal import NAME as JOURNAL
from vocabx.checkpoint.journal import Journal, read_journal, sync
from vocabx.checkpoint.leftovers import SUFFIX, Note, alone, remove_leftovers, staging_job, unheld
from vocabx.checkpoint.replacing import check_replaceable
from vocabx.errors import BaseModelError, OutputError, TokenizerError
from vocabx.progress import Progress

NOTHING_LEFT = "no files were left behind, make room or choose another --out"
_SYSTEM_ERROR = re.compile(r"\bos error (\d+)\b")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
# What torch.save raises on a full disk, in words that differ with where the writing failed.
_TORCH_WRITER = re.compile(r"PytorchStreamWriter failed|unexpected pos \d+ vs \d+")


def unfinished_of(target: Path) -> Path:
    """The directory in which `resumable` builds `target`."""
    return target.absolute().with_name(target.name + ".unfinished")


def check_free(target: Path, resume: bool = False, force: bool | None = None) -> None:
    """Refuse a target that is not empty, or that cannot be created.

    Args:
        target: a directory to create.
        resume: whether to continue an unfinished run.
        force: whether a directory that vocabx wrote may be overwritten; None where nobody can ask for it.

    Raises:
        OutputError: if the target is a file or a directory that is not empty, or an unfinished run exists.
    """
    if target.is_dir():
        if any(target.iterdir()):
            _check_taken(target, force)
    elif target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists and is not a directory: choose another --out")
    parent = next(p for p in target.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(f"cannot write to {parent}: choose another --out")
    _, whole = read_journal(unfinished_of(target))
    if whole and not resume:
        raise OutputError(
            f"{unfinished_of(target)} was left by an earlier run: pass --resume to continue it, or remove it"
        )


def _check_taken(target: Path, force: bool | None) -> None:
    if force:
        check_replaceable(target)
        return
    advice = " or remove it" if force is None else ", or pass --force to overwrite what vocabx wrote"
    raise OutputError(f"{target} exists and is not empty: choose another --out{advice}")


def check_space(target: Path, needed: int) -> None:
    """Refuse a target whose file system has less than `needed` bytes free.

    Space taken by an unfinished run of the same target counts as free.

    Raises:
        OutputError: if there is too little space; the message gives both figures.
    """
    free = free_space(target)
    if free < needed:
        parent = next(p for p in target.absolute().parents if p.exists())
        raise OutputError(
            f"{parent} has {free / 1e9:.2f} GB free and the result needs {needed / 1e9:.2f} GB: "
            "make room or choose another --out"
        )


def free_space(target: Path) -> int:
    """Bytes available for `target`: free space, plus what an unfinished run of it takes."""
    parent = next(p for p in target.absolute().parents if p.exists())
    _, whole = read_journal(unfinished_of(target))
    return shutil.disk_usage(parent).free + sum(whole.values())


@contextmanager
def staged(target: Path, note: Note = lambda text: None, force: bool | None = None) -> Iterator[Path]:
    """Yield a directory next to `target` that is renamed to `target` when the block succeeds.

    On any error, and on Ctrl-C, the directory is removed and `target` is unchanged. What a killed run left
    beside `target` is removed first; see `remove_leftovers`.

    Args:
        target: the directory to make.
        note: told of what was removed.
        force: whether to replace a target that vocabx wrote; see `put`.

    Raises:
        OutputError: if the disk is full or the target cannot be created.
    """
    # The working directory may be another one at the end.
    target = target.absolute()
    with scratch_directory(target, note) as scratch:
        yield scratch
        scratch.chmod(0o777 & ~umask())
        put(scratch, target, force)


@contextmanager
def scratch_directory(
    target: Path, note: Note = lambda text: None, advice: str = NOTHING_LEFT
) -> Iterator[Path]:
    """Yield a hidden directory next to `target` that holds only a locked journal, and is removed on an error.

    Args:
        target: what will be made of it.
        note: told of what a killed run had left there, which is removed.
        advice: what the user can do if the disk is full.

    Raises:
        OutputError: if the disk is full or the directory cannot be created.
    """
    target = target.absolute()
    made = missing_parents(target)
    scratch = None
    try:
        with writable(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(target.parent, note)
            scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=SUFFIX, dir=target.parent))
        with closing(Journal(scratch)) as journal:
            journal.begin(staging_job())
            yield scratch
    except BaseException as error:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        remove_empty(made)
        if reason := reason_of(error):
            raise failed(target, reason, advice) from None
        raise


def make_once(target: Path, make: Callable[[Path], None], progress: Progress) -> None:
    """Make a directory of the cache, once even if several processes want it at the same time.

    Args:
        target: the directory; nothing is done if it exists once no other process is making it.
        make: fills an empty directory.
        progress: told of waiting for another process, and of what a killed one had left.

    Raises:
        OutputError: if the disk is full or the target cannot be created.
    """
    made = missing_parents(target.absolute())
    try:
        with writable(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target, lambda: progress.note(f"Waiting for another run, which is making {target}.")):
            if not target.is_dir():
                with staged(target, progress.note) as scratch:
                    make(scratch)
    except BaseException:
        remove_empty(made)
        raise


@contextmanager
def resumable(
    target: Path, resume: bool = False, force: bool = False, options: Mapping[str, str] | None = None
) -> Iterator[Journal]:
    """Yield the journal of a directory next to `target` that is renamed to `target` when the block succeeds.

    Its name ends in .unfinished. Once it holds a complete weight file, an error, Ctrl-C or a crash leaves it
    for a run with `resume`; before that, and if the base or a tokenizer is refused, it is removed. With
    `force`, a target that vocabx wrote is replaced. The journal records `options`, see `check_same`.

    Raises:
        OutputError: if the disk is full, the target cannot be created, another run is writing it, or an
            earlier run left complete files and `resume` is not set.
    """
    target = target.absolute()
    check_free(target, resume, force)
    scratch = unfinished_of(target)
    made = missing_parents(target)
    journal = None
    # From the first directory on, since a signal may come at any moment.
    try:
        with writable(target):
            scratch.mkdir(parents=True, exist_ok=True)
            journal = Journal(scratch, options)
        journal.clear()
        yield journal
        put(scratch, target, force)
    except BaseException as error:
        if journal is None:
            remove_unused(scratch)
            remove_empty(made)
        else:
            _give_up(journal, target, made, error)
        raise
    finally:
        if journal is not None:
            journal.close()


def remove_unused(scratch: Path) -> None:
    """Remove a directory in which no job was begun, unless another run holds it."""
    journal = scratch / JOURNAL
    with suppress(OSError):
        if list(scratch.iterdir()) == [journal] and not journal.stat().st_size:
            with unheld(journal) as free:
                if free:
                    journal.unlink()
        remove_empty([scratch])


def _give_up(journal: Journal, target: Path, made: list[Path], error: BaseException) -> None:
    """Keep complete files, if any, and say how to resume."""
    reason = reason_of(error)
    if isinstance(error, BaseModelError | TokenizerError):
        # What was finished is of an older base, or of one that is refused.
        journal.forget()
    if not journal.whole or not (journal.directory / JOURNAL).exists():
        shutil.rmtree(journal.directory, ignore_errors=True)
        remove_empty(made)
        if reason:
            raise failed(target, reason, NOTHING_LEFT) from None
        return
    if isinstance(error, OutputError):
        # Of the files that are not finished, some may be of a run that was refused.
        journal.clear()
    advice = f"{journal.directory} holds the finished files; the same command with --resume continues it"
    if reason:
        raise failed(target, reason, f"make room: {advice}") from None
    if not isinstance(error, OutputError):
        error.add_note(advice)


def reason_of(error: BaseException) -> str:
    """Why the system refused to write, in its own words; "" for an error of another kind.

    Libraries that write from other languages raise errors of their own: safetensors names the system's error,
    and torch only that its writer failed.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return str(error.strerror)
    if not isinstance(error, Exception):
        return ""
    number = _SYSTEM_ERROR.search(str(error))
    if number is not None and int(number[1]) in _FULL:
        return os.strerror(int(number[1]))
    return "a file could not be written" if _TORCH_WRITER.search(str(error)) else ""


def failed(target: Path, reason: str, advice: str) -> OutputError:
    """What to raise if a target could not be written, for a reason of the system."""
    return OutputError(f"writing {target} failed: {reason}; {advice}")


def missing_parents(target: Path) -> list[Path]:
    """The parents of `target` that do not exist, innermost first."""
    return [parent for parent in target.parents if not parent.exists()]


@contextmanager
def writable(target: Path) -> Iterator[None]:
    """Tell the user in one sentence if the directories of `target` cannot be made."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write to {target}: {error.strerror}; choose another --out") from None


def put(scratch: Path, target: Path, force: bool | None = None) -> None:
    """Give a directory its final name once everything in it is on disk.

    With `force`, what vocabx wrote under that name before is renamed first, and removed last, so that one of
    the two is whole at any time.

    Raises:
        OutputError: if the target is not empty, and `force` is not set or vocabx did not write it.
    """
    for path in (*scratch.rglob("*"), scratch):
        sync(path)
    old = _out_of_the_way(target, force)
    try:
        # As late as possible: without its journal, a directory cannot be resumed.
        (scratch / JOURNAL).unlink(missing_ok=True)
        sync(scratch)
        scratch.rename(target)
    except BaseException:
        if old is not None and not target.exists():
            old.rename(target)
        raise
    sync(target.parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _out_of_the_way(target: Path, force: bool | None) -> Path | None:
    """Make the name of `target` free; returns the new name of what had it, None if there was nothing."""
    if not target.is_dir():
        return None
    if not any(target.iterdir()):
        target.rmdir()
        return None
    _check_taken(target, force)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".replaced", dir=target.parent))
    # An empty directory may be renamed over.
    target.rename(aside)
    return aside


def remove_empty(directories: list[Path]) -> None:
    """Remove those of `directories` that are there and empty, in their order."""
    for directory in directories:
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def umask() -> int:
    """The user's umask, which can only be read by setting it twice."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
