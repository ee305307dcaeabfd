"""Runs one case in this process, and says what is wrong with how it ended."""

import contextlib
import hashlib
import io
import os
import re
import resource
import signal
import sys
import traceback
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bad_cases import Case
from vocabx.cli.app import main

# Of the processor, since others may use the machine too; and of waiting, for what never comes.
_SECONDS, _WAITING = 20, 300
# More than any small input needs, and less than a machine has.
_MEMORY = 3 << 30
_PROGRESS = re.compile(r"\d+:\d\d:\d\d  ")
# Commands of which a check can fail.
_CHECKING = ("verify", "doctor")


class Hung(BaseException):
    """A case took too long."""


def faults_of(case: Case, world: Path, directory: Path) -> str:
    """What is wrong with how a case ended, "" if nothing is.

    Args:
        case: the case.
        world: the directories that it starts from.
        directory: an empty directory for it.
    """
    words = case.prepare(world, directory)
    before = (tree(directory), stamps(world))
    code, out, err = run(words, directory)
    found = list(_faults(code, out, err, words[0]))
    if code == 2 and (directory / "out" / "new").exists():
        found.append("wrote under the final name")
    # A directory for the result may be there, empty; what it reads has no new files either.
    after = {name: hash for name, hash in tree(directory).items() if name not in ("out", "cache")}
    changed = [name for name, hash in after.items() if before[0].get(name) != hash]
    if code == 2 and (changed or stamps(world) != before[1]):
        found.append(f"changed {changed}")
    if gone := sorted(set(before[0]) - set(tree(directory))):
        found.append(f"removed {gone}" if code else "")
    return "; ".join(filter(None, found))


def run(words: list[str], directory: Path) -> tuple[Any, str, str]:
    """The exit code of a command, what it printed, and what it said on stderr beside its progress."""
    out, err = io.StringIO(), io.StringIO()
    home, arguments = Path.cwd(), sys.argv
    os.chdir(directory)
    sys.argv = ["vocabx", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limited():
            try:
                main()
                code: Any = "none"
            except SystemExit as ended:
                code = ended.code or 0
            except Hung:
                code = "hung"
                traceback.print_exc(file=err)
            except BaseException:
                code = "traceback"
                traceback.print_exc(file=err)
    finally:
        sys.argv = arguments
        os.chdir(home)
    lines = err.getvalue().splitlines(keepends=True)
    return code, out.getvalue(), "".join(line for line in lines if not _PROGRESS.match(line))


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """With a limit on the time and on the address space of this process."""

    def ring(signum: int, frame: object) -> None:
        raise Hung

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, hard))
    previous = {name: signal.signal(name, ring) for name in (signal.SIGALRM, signal.SIGPROF)}
    terminated = signal.getsignal(signal.SIGTERM)
    signal.alarm(_WAITING)
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for name, handler in previous.items():
            signal.signal(name, handler)
        signal.signal(signal.SIGTERM, terminated)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _faults(code: Any, out: str, err: str, command: str) -> Iterator[str]:
    if code in ("traceback", "hung", "none"):
        yield f"{code}: {err}"
    elif code not in (0, 2) and not (code == 1 and command in _CHECKING):
        yield f"exit code {code}: {err}"
    elif code == 2:
        *notes, said = err.splitlines() or [""]
        if not said.startswith("error: ") or any(line.startswith("error: ") for line in notes):
            yield f"not one error: {err}"
        if len(said) > 300 + len("error: "):
            yield f"too long: {said}"
    if code in (0, 1, 2) and any(map(_steers, err.replace("\n", ""))):
        yield f"control characters: {err!r}"


def _steers(character: str) -> bool:
    """Whether a terminal obeys a character instead of showing it, or cannot encode it."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in "\u202e\u2066"


def tree(directory: Path) -> dict[str, str]:
    """Each path below a directory: the hash of a file, where a link leads to, or the kind."""
    found = {}
    for parent, folders, files in os.walk(directory):
        for name in (*folders, *files):
            path = Path(parent) / name
            if path.is_symlink():
                found[str(path.relative_to(directory))] = f"link {path.readlink()}"
            elif path.is_file():
                found[str(path.relative_to(directory))] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[str(path.relative_to(directory))] = "other"
    return found


def stamps(directory: Path) -> dict[str, tuple[int, int]]:
    """The size and time of each file below a directory."""
    found = {}
    for parent, _, files in os.walk(directory):
        for name in files:
            stat = (Path(parent) / name).stat()
            found[str(Path(parent) / name)] = (stat.st_size, stat.st_mtime_ns)
    return found
