"""How stages report progress. Terminals, notebooks and logs implement the display."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[float], None]


class Progress(Protocol):
    """What a stage calls to report its progress."""

    def stage(
        self, title: str, total: float | None = None, unit: str = ""
    ) -> AbstractContextManager[Advance]:
        """Open a stage of `total` units (None if unknown); call the yielded function with units done."""
        ...

    def note(self, text: str) -> None:
        """Show one line that the user should see now."""
        ...

    def status(self, text: str) -> None:
        """Show a few words about the current stage, replacing the previous ones."""
        ...


class Quiet:
    """A Progress that shows nothing: the default of the Python API."""

    @contextmanager
    def stage(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Advance]:
        """Open a stage that shows nothing."""
        yield lambda amount: None

    def note(self, text: str) -> None:
        """Discard the line."""

    def status(self, text: str) -> None:
        """Discard the words."""


class Timed:
    """A Progress that forwards everything, each note only once, and records how long each stage took.

    Attributes:
        seconds: wall-clock time by stage title, in the order in which stages ended.
    """

    def __init__(self, shown: Progress) -> None:
        self.shown = shown
        self.seconds: dict[str, float] = {}
        self._notes: set[str] = set()

    @contextmanager
    def stage(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Advance]:
        """Open a stage and time it."""
        start = time.perf_counter()
        with self.shown.stage(title, total, unit) as advance:
            yield advance
        self.seconds[title] = round(self.seconds.get(title, 0.0) + time.perf_counter() - start, 3)

    def note(self, text: str) -> None:
        """Forward the line the first time."""
        if text not in self._notes:
            self._notes.add(text)
            self.shown.note(text)

    def status(self, text: str) -> None:
        """Forward the words."""
        self.shown.status(text)
