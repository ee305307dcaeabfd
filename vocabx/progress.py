"""How the stages say where they are. Draws nothing: a terminal, a notebook or a log does that."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[float], None]


class Progress(Protocol):
    """What a stage needs from whoever shows its progress."""

    def stage(
        self, title: str, total: float | None = None, unit: str = ""
    ) -> AbstractContextManager[Advance]:
        """Open a stage of `total` units (None when unknown); call what it yields with units done."""
        ...

    def note(self, text: str) -> None:
        """Say one line that the user should see now."""
        ...

    def status(self, text: str) -> None:
        """Say a few words about the stage that is going on, in the place of those before."""
        ...


class Quiet:
    """A Progress that says nothing: the default of the Python API."""

    @contextmanager
    def stage(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Advance]:
        """Open a stage that shows nothing."""
        yield lambda amount: None

    def note(self, text: str) -> None:
        """Drop the line."""

    def status(self, text: str) -> None:
        """Drop the words."""


class Timed:
    """A Progress that passes everything on, a note only once, and keeps how long each stage took.

    Attributes:
        seconds: wall time by stage title, in the order in which stages ended.
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
        """Pass the line on, the first time."""
        if text not in self._notes:
            self._notes.add(text)
            self.shown.note(text)

    def status(self, text: str) -> None:
        """Pass the words on."""
        self.shown.status(text)
