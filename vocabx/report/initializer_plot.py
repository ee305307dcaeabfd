"""The plot of a comparison of initializers as SVG: curves if the embeddings were trained, else points."""

import io
from typing import TYPE_CHECKING, Any

from vocabx._util.extras import need
from vocabx.report.initializer_table import InitializerTable, Row
from vocabx.report.svg import plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _FAINT, _ACCENT, _GRAY = "#1d2426", "#cfd6d8", "#14877d", "#7d8a8e"
# Distinguishable with red-green color blindness (Okabe and Ito), the accent first.
_COLORS = ("#14877d", "#d55e00", "#0072b2", "#cc79a7", "#e69f00", "#56b4e9", "#5f4b8b", "#8a8a2b", "#7d8a8e")
_STYLE = {
    **plain_axes(_INK, _FAINT),
    "svg.fonttype": "path",
    "svg.hashsalt": "vocabx",
    "font.size": 9.5,
}


def initializer_plot(table: InitializerTable) -> str:
    """Draw a measured comparison; equal tables give equal bytes.

    Raises:
        ValueError: nothing was measured.
        MissingPackageError: matplotlib is not installed.
    """
    if not table.rows or any(row.start is None for row in table.rows):
        raise ValueError("a comparison without measurements cannot be drawn")
    matplotlib = need("matplotlib", "report")
    figures = need("matplotlib.figure", "report")
    stream = io.StringIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        trained = bool(table.train_tokens)
        height = 4.2 if trained else 1.2 + 0.34 * len(table.rows)
        figure = figures.Figure(figsize=(7.2, height), layout="constrained", facecolor="white")
        axes = figure.subplots()
        (_curves if trained else _points)(axes, table)
        axes.set_title(
            f"{table.new_tokens:,} new tokens for {table.language} in {table.base}", loc="left", fontsize=10.5
        )
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def _curves(axes: "Axes", table: InitializerTable) -> None:
    """Bits per byte of the target against training tokens, one line per initializer."""
    axes.grid(axis="y")
    for number, row in enumerate(_ordered(table)):
        x, y = [point.tokens for point in row.curve], [point.target for point in row.curve]
        color = _COLORS[number % len(_COLORS)]
        axes.plot(x, y, color=color, marker="o", markersize=3, linewidth=1.6, label=row.initializer)
    axes.set_xlabel("training tokens")
    # Only the first held-out passages are scored here, so the base's figure over all is not comparable.
    axes.set_ylabel(f"bits per byte, first held-out {table.language}")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(
        frameon=False,
        fontsize=8.5,
        title="best first",
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(1, 1),
    )


def _points(axes: "Axes", table: InitializerTable) -> None:
    """One line per initializer, the best on top: target and base language before training."""
    rows = _ordered(table)[::-1]
    axes.grid(axis="x")
    height = range(len(rows))
    target: list[Any] = [row.start.target for row in rows if row.start]
    english: list[Any] = [row.start.base_language for row in rows if row.start]
    axes.plot(english, height, "o", color=_GRAY, markersize=5, label=table.base_language)
    axes.plot(target, height, "o", color=_ACCENT, markersize=7, label=table.language)
    for y, value in zip(height, target, strict=True):
        axes.annotate(f"{value:.2f}", (value, y), xytext=(7, 0), textcoords="offset points", va="center")
    if table.base_bits is not None:
        for value, color in ((table.base_bits.target, _ACCENT), (table.base_bits.base_language, _GRAY)):
            axes.axvline(value, color=color, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_yticks(list(height), [row.initializer for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.1 * max(target))
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlabel("bits per byte before any training; dashed: base")
    axes.legend(frameon=False, fontsize=8.5, loc="upper right")


def _ordered(table: InitializerTable) -> list[Row]:
    """The rows sorted by score, the best first; the order of the request breaks ties."""
    return sorted(table.rows, key=lambda row: row.final.target if row.final else 0.0)
