"""Work on the items of a list in several processes of this machine, with results in the order of the items.

Each process is this module, run by the Python of this one: so a script that calls vocabx needs no guard, and
no state of this process, such as threads and locks, is copied. A process that dies is replaced, and what it
worked on is begun again by the new one.
"""

import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock
from typing import IO, Any, TypeVar

from vocabx._util.cores import usable_cores
from vocabx.errors import CorpusError, VocabxError
from vocabx.progress import Advance

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# More processes read no faster than disks do.
_MOST = 16
_TRIES = 3
# Bytes of progress that are told at once.
_STEP = 1 << 20
_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from vocabx.corpus.processes import serve; serve()"
)


def cores() -> int:
    """How many processes are worth starting here."""
    return min(_MOST, usable_cores())


def on_processes(
    work: Callable[[_Item, Advance], _Result], items: Sequence[_Item], processes: int, advance: Advance
) -> Iterator[_Result]:
    """What `work` makes of each item, in their order; few results wait at a time.

    Args:
        work: a function that can be pickled, as its items and results can. It is called with an item, and
            with a function to call with the bytes that it has read.
        items: any number.
        processes: how many work.
        advance: called with the bytes that are read anywhere.

    Raises:
        VocabxError: what `work` raises; or processes die again and again.
    """
    pool = _Pool(work, advance)
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(processes) as threads:
        try:
            for item in items:
                waiting.append(threads.submit(pool.result, item))
                if len(waiting) > processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
            pool.close()


class _Pool:
    """Processes that are started when they are needed."""

    def __init__(self, work: Callable[..., Any], advance: Advance) -> None:
        self.work, self.advance = pickle.dumps(work), advance
        self.idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self.started: list[subprocess.Popen[bytes]] = []
        self.lock, self.closed = Lock(), False

    def result(self, item: Any) -> Any:
        """What the work makes of an item."""
        for _ in range(_TRIES):
            process, told = self._process(), 0.0
            try:
                _send(process.stdin, item)
                while True:
                    kind, found = _received(process.stdout)
                    if kind != "read":
                        break
                    told += found
                    self._advance(found)
            except (OSError, EOFError, pickle.UnpicklingError):
                # It has died. What it read is read again.
                self._advance(-told)
                process.kill()
                if self.closed:
                    break
                continue
            self.idle.put(process)
            if kind == "raised":
                raise found
            return found
        raise CorpusError(
            f"a process that read the text was ended by the system {_TRIES} times: is there enough memory?"
        )

    def close(self) -> None:
        """End all processes, whatever they do."""
        with self.lock:
            self.closed = True
            for process in self.started:
                process.kill()
        for process in self.started:
            process.communicate()

    def _process(self) -> subprocess.Popen[bytes]:
        # Asking whether one is idle, and then waiting for it, would wait forever for one that dies meanwhile.
        with suppress(Empty):
            return self.idle.get_nowait()
        with self.lock:
            if self.closed:
                raise CorpusError("the reading was ended")
            process = subprocess.Popen(
                [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self.started.append(process)
        # If it has died already, whoever uses it will see.
        with suppress(OSError):
            _send(process.stdin, sys.path)
            process.stdin.write(self.work)  # type: ignore[union-attr]
        return process

    def _advance(self, read: float) -> None:
        with self.lock:
            if not self.closed:
                self.advance(read)


def serve() -> None:
    """Work on what stdin says until it ends; run in a process of its own."""
    # The first process ends this one when it is interrupted itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not stand among the answers.
    os.dup2(2, 1)
    try:
        work = pickle.load(sys.stdin.buffer)
        while True:
            item = pickle.load(sys.stdin.buffer)
            _send(answers, _answer(work, item, answers))
    except (EOFError, BrokenPipeError):
        return


def _answer(work: Callable[..., Any], item: Any, answers: IO[bytes]) -> tuple[str, Any]:
    waiting = 0.0

    def advance(read: float) -> None:
        nonlocal waiting
        waiting += read
        if waiting >= _STEP:
            _send(answers, ("read", waiting))
            waiting = 0.0

    try:
        found = work(item, advance)
    except VocabxError as error:
        return "raised", error
    except BrokenPipeError:
        raise
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        return "raised", error
    _send(answers, ("read", waiting))
    return "made", found


def _send(stream: IO[bytes] | None, what: Any) -> None:
    assert stream is not None
    pickle.dump(what, stream, pickle.HIGHEST_PROTOCOL)
    stream.flush()


def _received(stream: IO[bytes] | None) -> tuple[str, Any]:
    assert stream is not None
    kind, found = pickle.load(stream)
    return kind, found
