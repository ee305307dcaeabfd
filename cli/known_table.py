"""What `vocabx languages` and `vocabx bases` share: a table, a mark for what is installed, and --json."""

from collections.abc import Iterable, Sequence

import typer
from rich import box
from rich.table import Table

from .console import console, print_lines

AS_JSON = typer.Option("--json", help="Print one JSON object on standard output.")
INSTALLED = "✓"


def marked(name: str, is_installed: bool) -> str:
    """A name as the table shows it: marked where it is installed, and "" where there is none."""
    return f"{INSTALLED if is_installed else ' '} {name}" if name else ""


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], closing: str, mark: bool = True
) -> None:
    """Print rows under headings, and a sentence below them, after what the mark means if there is one."""
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)
    explained = f"{INSTALLED} marks what is installed on this machine. " if mark else ""
    print_lines([f"{explained}{closing}"])
