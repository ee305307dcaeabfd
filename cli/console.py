"""The console that everything is printed to: a terminal gets our own escape sequences, and nobody else's."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from .plain_line import harmless


class _Harmless:
    """What was to be printed, its text without control characters once it is laid out."""

    def __init__(self, printed: ConsoleRenderable) -> None:
        self.printed = printed

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.printed, options):
            # Control segments are rich's own, and their text is empty or its codes.
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


class _Hook(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap all that is printed."""
        return [_Harmless(one) for one in renderables]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the caller that whatever read the output is gone."""
        raise BrokenPipeError


def console(stderr: bool = False) -> Console:
    """A console for stdout or stderr, which takes text literally: [brackets] and :colons: are no markup."""
    made = _Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    made.push_render_hook(_Hook())
    return made


def print_lines(lines: Iterable[str], **how: Any) -> None:
    """Print lines that a narrow terminal folds and a copied command survives."""
    out = console()
    for line in lines:
        out.print(line, soft_wrap=True, **how)
