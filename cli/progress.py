"""Progress on stderr: bars with rates on a terminal, plain lines in a log."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from vocabx.progress import Advance

from .console import console
from .plain_line import harmless

# Seconds between two lines of one stage in a log.
_BETWEEN = 30.0


def _amount(amount: float, unit: str) -> str:
    """Bytes in kB or MB, anything else as a count with its unit."""
    if unit == "B":
        return f"{amount / 1e6:.1f} MB" if amount >= 1e5 else f"{amount / 1e3:.1f} kB"
    return f"{amount:,.0f} {unit}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


class _Done(ProgressColumn):
    """The amount done, and the average rate since the stage began."""

    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        if not unit or not task.completed or not task.elapsed:
            return Text("")
        return Text(f"{_amount(task.completed, unit)}  {_amount(task.completed / task.elapsed, unit)}/s")


class _Left(TimeRemainingColumn):
    """The remaining time, while the stage is running and its total is known."""

    def render(self, task: Task) -> Text:
        return Text("") if task.finished or not task.total else Text("remaining ") + super().render(task)


class _LoggedStage:
    """A stage in a log: counts what is done, and prints a line about it now and then."""

    def __init__(
        self,
        title: str,
        total: float | None,
        unit: str,
        log: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self.title, self.total, self.unit = title, total, unit
        self._log, self._clock = log, clock
        self._began = self._last = clock()
        self._done, self._said = 0.0, ""
        self._lock = threading.Lock()

    def status(self, text: str) -> None:
        """Replace the words that the next line ends with."""
        self._said = text

    def advance(self, amount: float) -> None:
        """Count what was done."""
        self._done += amount
        self._tell()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Print lines also while nothing is counted, from a thread."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_BETWEEN):
                self._tell()

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _tell(self) -> None:
        """Print a line unless the last one is recent."""
        with self._lock:
            now = self._clock()
            if now - self._last < _BETWEEN:
                return
            self._last = now
            self._log(self._line(now - self._began))

    def _line(self, seconds: float) -> str:
        done, total = self._done, self.total
        parts = [f"{min(100.0, 100 * done / total):.0f} %"] if total and done else []
        if self.unit and done:
            parts += [_amount(done, self.unit), f"{_amount(done / seconds, self.unit)}/s"]
        if total and 0 < done < total:
            parts.append(f"remaining {_clock(seconds * (total - done) / done)}")
        parts += [self._said] if self._said else []
        return f"{self.title}: {', '.join(parts) or f'for {_clock(seconds)}'}"


class TerminalProgress:
    """Progress on stderr: where that is no terminal, a line when a stage begins, and some during long ones.

    Each such line begins with the time since the command began.
    """

    def __init__(self, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: quiet: whether to show nothing at all; clock: seconds, from anywhere."""
        self.console = console(stderr=True)
        self._quiet, self._clock, self._began = quiet, clock, clock()
        self._status: Callable[[str], None] = lambda text: None

    @contextmanager
    def stage(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Advance]:
        """Show that a stage runs and how far it is, until it ends."""
        if self._quiet:
            yield lambda amount: None
        elif not self.console.is_terminal:
            self._log(title)
            logged = _LoggedStage(title, total, unit, self._log, self._clock)
            self._status = logged.status
            with logged.watched():
                yield logged.advance
        else:
            yield from self._bar(title, total, unit)
        self._status = lambda text: None

    def note(self, text: str) -> None:
        """Print one line, which a narrow terminal folds and a copied command survives."""
        self._print(text, "yellow")

    def status(self, text: str) -> None:
        """Show a few words beside the title of the current stage."""
        self._status(text)

    def _bar(self, title: str, total: float | None, unit: str) -> Iterator[Advance]:
        """A progress bar, or a spinner if the total is unknown."""
        bar = (BarColumn(24),) if total else ()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            *bar,
            _Done(),
            TimeElapsedColumn(),
            _Left(),
        )
        with Progress(*columns, console=self.console) as progress:
            # Live displays are not among what the console prints.
            title = harmless(title)
            task = progress.add_task(title, total=total, unit=unit)
            self._status = lambda text: progress.update(task, description=f"{title}, {harmless(text)}")
            yield lambda amount: progress.advance(task, amount)
            # Show a finished stage as finished, even if its total was an estimate.
            progress.update(task, total=progress.tasks[0].completed or 1)
            progress.update(task, completed=progress.tasks[0].total)

    def _log(self, line: str) -> None:
        self._print(f"{_clock(self._clock() - self._began)}  {line}")

    def _print(self, line: str, style: str | None = None) -> None:
        if self._quiet:
            return
        try:
            self.console.print(line, style=style, soft_wrap=True)
        except BrokenPipeError:
            # Whatever read the progress is gone, which is no reason to give up the work.
            self._quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
