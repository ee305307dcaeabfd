"""The plot of a comparison of initializers as SVG: bits per byte before training and after the probe."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vocabx._util.extras import need
from vocabx.report.initializer_table import BASE, Bits, InitializerTable
from vocabx.report.svg import ACCENT, OLD, inline_svg, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _FAINT = "#1d2426", "#cfd6d8"


@dataclass(frozen=True)
class _Colors:
    """Of the new language and of the base's."""

    accent: str
    old: str


_FILE, _PAGE = _Colors("#14877d", "#7d8a8e"), _Colors(ACCENT, OLD)
_STYLE = {
    **plain_axes(_INK, _FAINT),
    "svg.fonttype": "path",
    "svg.hashsalt": "vocabx",
    "font.size": 9.5,
}


def initializer_plot(table: InitializerTable) -> str:
    """Draw a measured comparison as an SVG file; equal tables give equal bytes.

    Raises:
        ValueError: nothing was measured.
        MissingPackageError: matplotlib is not installed.
    """
    _check(table)
    matplotlib = need("matplotlib", "report")
    figures = need("matplotlib.figure", "report")
    stream = io.StringIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = figures.Figure(figsize=(7.2, _height(table)), layout="constrained", facecolor="white")
        axes = figure.subplots()
        _points(axes, table, _FILE)
        axes.set_title(
            f"{table.new_tokens:,} new tokens for {table.language} in {table.base}", loc="left", fontsize=10.5
        )
        figure.legend(frameon=False, fontsize=8.5, loc="outside right upper")
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def inline_initializer_plot(table: InitializerTable) -> str:
    """Draw a measured comparison for inlining into HTML; see `initializer_plot`."""
    _check(table)

    def draw(figure: "Figure") -> None:
        _points(figure.subplots(), table, _PAGE)
        figure.legend(frameon=False, fontsize=8.5, loc="outside lower left", ncols=3)

    return inline_svg(draw, _height(table) + 0.3, "Bits per byte of held-out text by initializer", table)


def _check(table: InitializerTable) -> None:
    if not table.rows or any(row.start is None for row in table.rows):
        raise ValueError("a comparison without measurements cannot be drawn")


def _height(table: InitializerTable) -> float:
    return 1.5 + 0.34 * len(table.rows)


def _points(axes: "Axes", table: InitializerTable, colors: _Colors) -> None:
    """One line per initializer and for the base left alone: before training, and after the probe if any."""
    lines = _lines(table)[::-1]
    axes.grid(axis="x")
    heights = range(len(lines))
    starts = [start for _, start, _ in lines]
    finals = [probed or start for _, start, probed in lines]
    if table.probe_steps:
        before = [start.target for start in starts]
        axes.plot(
            before, heights, "o", color=colors.accent, markerfacecolor="none", markersize=6,
            label=f"{table.language}, before",
        )  # fmt: skip
    axes.plot(
        [bits.base_language for bits in finals], heights, "o", color=colors.old, markersize=5,
        label=table.base_language,
    )  # fmt: skip
    axes.plot(
        [bits.target for bits in finals],
        heights,
        "o",
        color=colors.accent,
        markersize=7,
        label=table.language,
    )
    behind = table.behind()
    for height, (name, _, _), bits in zip(heights, lines, finals, strict=True):
        lead = behind.get(name)
        if lead is not None and lead.interval is not None:
            # The interval is of the distance to the best, whose own place is the reference.
            ends = [bits.target - lead.bits + end for end in lead.interval]
            axes.plot(ends, [height, height], color=colors.accent, linewidth=1.4, marker="|", markersize=12)
        axes.annotate(
            f"{bits.target:.2f}", (bits.target, height), xytext=(0, 6), textcoords="offset points",
            ha="center", fontsize=8,
        )  # fmt: skip
    axes.axvline(finals[-1].target, color=colors.accent, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_yticks(list(heights), [name for name, _, _ in lines])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.1 * max(bits.target for bits in [*starts, *finals]))
    axes.set_ylim(-0.7, len(lines) - 0.3)
    steps = f"after {table.probe_steps:,} steps" if table.probe_steps else "before any training"
    axes.set_xlabel(f"{table.measure} {steps}; dashed: {BASE}")


def _lines(table: InitializerTable) -> list[tuple[str, Bits, Bits | None]]:
    """The base, then the initializers, the best first: names, scores before training and after the probe.

    The order of the request breaks ties.
    """
    base, probed = table.base_bits, table.base_probed
    lines = [(row.initializer, row.start, row.probed.bits if row.probed else None) for row in table.rows]
    known = [(name, start, after) for name, start, after in lines if start is not None]
    ordered = sorted(known, key=lambda line: (line[2] or line[1]).target)
    return ordered if base is None else [(BASE, base, probed.bits if probed else None), *ordered]
