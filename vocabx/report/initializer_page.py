"""The page of a comparison of initializers: one self-contained HTML file."""

from dataclasses import dataclass

from markupsafe import Markup

from vocabx.corpus.languages import language_name
from vocabx.report.initializer_plot import inline_initializer_plot
from vocabx.report.initializer_table import BASE, Bits, InitializerTable, Probed
from vocabx.report.templates import render_template

_SPACE = "\u00a0"


@dataclass(frozen=True)
class _Line:
    """A row of the table of scores: a name, scores before and after the probe, the distance to the best."""

    name: str
    start: Bits | None
    after: Bits | None
    behind: str
    chosen: bool


def render_comparison(table: InitializerTable) -> str:
    """The content of compare.html. Equal tables give equal pages.

    Raises:
        ValueError: nothing was measured.
        MissingPackageError: matplotlib, which draws the plot, is not installed.
    """
    chosen, why = table.choice()
    lines = [_line(table, row.initializer, row.start, row.probed, chosen) for row in table.rows]
    lines.sort(key=lambda line: (line.after or line.start or Bits(0.0, 0.0)).target)
    if table.base_bits is not None:
        lines.insert(0, _line(table, BASE, table.base_bits, table.base_probed, chosen))
    values = {
        "table": table,
        "chosen": chosen,
        "why": why,
        "lines": lines,
        "target": language_name(table.language),
        "other": language_name(table.base_language),
        "plot": Markup(inline_initializer_plot(table)),
    }
    return render_template("compare.html", values, {"bits": _bits, "count": "{:,}".format})


def _line(
    table: InitializerTable, name: str, start: Bits | None, probed: Probed | None, chosen: str
) -> _Line:
    lead = table.behind().get(name)
    behind = ""
    if lead is not None:
        behind = f"{lead.bits:+.3f}".replace("-", "\u2212")
        if lead.interval is not None:
            low, high = (f"{end:+.3f}".replace("-", "\u2212") for end in lead.interval)
            behind += f" ({low} to {high})"
    return _Line(name, start, probed.bits if probed else None, behind, bool(chosen) and name == chosen)


def _bits(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"
