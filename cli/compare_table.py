"""The table that `vocabx compare` prints."""

from collections.abc import Sequence

from rich.table import Table

from vocabx.commands.compare.run import CompareResult
from vocabx.report.initializer_table import BASE, Bits, InitializerTable, Lead, Probed

from .console import console, print_lines


def print_comparison(result: CompareResult) -> None:
    """Print the embeddings and the score of each initializer, the recommended one, and the files written."""
    table, out = result.table, console()
    out.print(_rows(table))
    _, why = table.choice()
    lines = [f"numbers    {result.directory / 'compare.json'}"]
    if why:
        out.print(_bits(table))
        lines = [
            f"choose     {why}",
            *([f"untried    {table.untried}"] if table.untried else []),
            *lines,
            f"page       {result.directory / 'compare.html'}",
            f"plot       {result.directory / 'compare.svg'}",
        ]
    print_lines(lines)


def _rows(table: InitializerTable) -> Table:
    title = f"{table.base} + {table.new_tokens:,} tokens for {table.language}: new embeddings"
    shown = _table(title, ("seconds", "peak MB", "mixed", "copied", "drawn", "hull", "equal"))
    for row in table.rows:
        shown.add_row(
            row.initializer,
            f"{row.seconds:.1f}",
            "" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:,.0f}",
            *(f"{count:,}" for count in (row.mixed, row.copied, row.drawn)),
            "none" if row.hull_bound is None else f"{row.hull_bound:.2f}",
            f"{row.collisions:,}",
        )
    return shown


def _bits(table: InitializerTable) -> Table:
    languages = (table.language, table.base_language)
    headings = list(languages)
    if table.probe_steps:
        headings += [f"{language}, trained" for language in languages]
        headings.append("from the best (95 % interval)")
    behind = table.behind()
    shown = _table(f"{table.measure} of held-out text", headings)
    if table.base_bits is not None:
        shown.add_row(BASE, *_cells(table.base_bits), *_probed_cells(table.base_probed, behind.get(BASE)))
        shown.add_section()
    for row in sorted(table.rows, key=lambda row: row.final.target if row.final else 0.0):
        shown.add_row(
            row.initializer, *_cells(row.start), *_probed_cells(row.probed, behind.get(row.initializer))
        )
    return shown


def _probed_cells(probed: Probed | None, lead: Lead | None) -> list[str]:
    if lead is None:
        return _cells(probed.bits if probed else None)
    distance = f"{lead.bits:+.3f}"
    if lead.interval is not None:
        distance += f" ({lead.interval[0]:+.3f} to {lead.interval[1]:+.3f})"
    return [*_cells(probed.bits if probed else None), distance]


def _cells(bits: Bits | None) -> list[str]:
    return [] if bits is None else [f"{bits.target:.3f}", f"{bits.base_language:.3f}"]


def _table(title: str, headings: Sequence[str]) -> Table:
    shown = Table(title=title)
    shown.add_column("initializer", no_wrap=True)
    for heading in headings:
        shown.add_column(heading, justify="right", no_wrap=True)
    return shown
