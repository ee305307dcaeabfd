"""The table of `vocabx verify --runtimes`."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from vocabx.runtimes.reading import NOT_INSTALLED, Row

from .console import console, print_lines


def print_runtimes(rows: Sequence[Row]) -> None:
    """Print a row for each runtime that is installed, examples below, and what is not installed in a line."""
    table = Table(title="Other programs, against the tokenizers library")
    table.add_column("runtime", overflow="fold")
    for heading in ("strings", "other ids", "other text"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in rows:
        if row.outcome == NOT_INSTALLED:
            continue
        style = "red" if row.fails else "green" if row.outcome == "same ids" else "yellow"
        table.add_row(
            f"{row.runtime} {row.version}",
            f"{row.strings:,}",
            _count(row.ids, row.base_ids, row.new_ids),
            _count(row.decoded, row.base_decoded, row.new_decoded),
            Text(row.outcome, style=style),
        )
    if table.row_count:
        console().print(table)
    for row in rows:
        if row.example or row.message:
            shown = f"{row.example!r}: " if row.example else ""
            print_lines([f"{row.runtime} {row.version}: {shown}{row.message}"])
    missing = [row.runtime for row in rows if row.outcome == NOT_INSTALLED]
    if missing:
        print_lines([f"not installed: {', '.join(missing)}"])


def _count(count: int | None, base: int | None, new: int | None) -> str:
    """How many strings differ; of how many the base does, and how many count as new, where there are any."""
    if count is None:
        return "-"
    besides = [f"base {base:,}"] * bool(base) + [f"{new:,} new"] * bool(new)
    return f"{count:,} ({', '.join(besides)})" if besides else f"{count:,}"
