"""The table that `vocabx compare` prints."""

from rich.console import Console
from rich.table import Table

from vocabx.comparison import CompareResult
from vocabx.report.initializer_table import InitializerTable, Row


def print_comparison(result: CompareResult) -> None:
    """Print a line for each initializer, which to choose and why, and where the files are."""
    table, console = result.table, Console()
    console.print(_table(table))
    choice, why = table.choice()
    lines = [f"choose     {why}"] if choice else []
    lines.append(f"numbers    {result.directory / 'compare.json'}")
    if choice:
        lines.append(f"picture    {result.directory / 'compare.svg'}")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(table: InitializerTable) -> Table:
    shown = Table(
        title=f"{table.base} + {table.new_tokens:,} tokens for {table.language}: rows, bits per byte"
    )
    shown.add_column("initializer", no_wrap=True)
    languages = (table.language, table.base_language)
    headings = ["seconds", "peak MB", "mixed", "copied", "drawn", "hull, nats", "equal", *languages]
    if table.train_tokens:
        headings += [f"{language}, trained" for language in languages]
    for heading in headings:
        shown.add_column(heading, justify="right")
    if table.base_bits is not None:
        bits = (f"{table.base_bits.target:.3f}", f"{table.base_bits.base_language:.3f}")
        shown.add_row("the base itself", *[""] * 7, *bits)
        shown.add_section()
    for row in table.rows:
        shown.add_row(row.initializer, *_cells(row))
    return shown


def _cells(row: Row) -> list[str]:
    cells = [
        f"{row.seconds:.1f}",
        "" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:,.0f}",
        *(f"{count:,}" for count in (row.mixed, row.copied, row.drawn)),
        "none" if row.hull_bound is None else f"{row.hull_bound:.2f}",
        f"{row.collisions:,}",
    ]
    for bits in (row.start, row.trained):
        if bits is not None:
            cells += [f"{bits.target:.3f}", f"{bits.base_language:.3f}"]
    return cells
