"""The table of `vocabx verify --runtimes`."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from vocabx.runtimes.reading import NOT_INSTALLED, Row

from .console import console, print_lines


def print_runtimes(rows: Sequence[Row]) -> None:
    """Print a row for each runtime that is installed, those that are not in a line, and examples below."""
    table = Table(title="Other programs, against the tokenizers library")
    table.add_column("runtime")
    table.add_column("version", overflow="fold")
    for heading in ("strings", "other ids", "base's", "decoded otherwise", "base's"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in rows:
        if row.outcome == NOT_INSTALLED:
            continue
        style = "red" if row.fails else "green" if row.outcome == "same ids" else "yellow"
        counts = (row.ids, row.base_ids, row.decoded, row.base_decoded)
        table.add_row(
            row.runtime,
            row.version,
            f"{row.strings:,}",
            *("-" if count is None else f"{count:,}" for count in counts),
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
