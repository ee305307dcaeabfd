"""The two plots of the report page, as SVG to be put inline into HTML. Writes no file, opens no window."""

import hashlib
import io
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from vocabx.extras import need
from vocabx.report.report import CurvePoint, Norms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Stand-ins that matplotlib can draw with, and what the page's style sheet makes of them: one SVG then serves
# the light and the dark page. The second value of each var() is for an SVG looked at on its own.
_INK, _FAINT, _ACCENT, _OLD = "#010203", "#040506", "#070809", "#0a0b0c"
_COLOURS = {
    _INK: "currentColor",
    _FAINT: "var(--line, #8888)",
    _ACCENT: "var(--accent, #14877d)",
    _OLD: "var(--muted, #808080)",
}


def plain_axes(ink: str, faint: str) -> dict[str, Any]:
    """Settings of matplotlib for axes without a frame: letters in one colour, lines in another."""
    return {
        # A language's name may hold any character; none of them is mathematics.
        "text.parse_math": False,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": faint,
        "xtick.color": faint,
        "ytick.color": faint,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": faint,
        "grid.linewidth": 0.5,
    }


_STYLE = {
    **plain_axes(_INK, _FAINT),
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "lines.solid_capstyle": "round",
}
# Inches of 72 units each. Narrow, so that the letters stay legible when a telephone shrinks the plot.
_WIDTH, _CURVE_HEIGHT, _PANEL_HEIGHT = 4.6, 3.1, 2.1


def tokens_curve(curve: Sequence[CurvePoint], bought: int, language_name: str) -> str:
    """SVG of the held-out length, in percent of the base's tokens, against the number of new tokens.

    The number `bought` is marked. Equal arguments give equal bytes.

    Raises:
        ValueError: the curve has no points.
        MissingPackageError: matplotlib is not installed.
    """
    if not curve:
        raise ValueError("a curve without points cannot be drawn")
    points = sorted(curve, key=lambda point: point.new_tokens)
    x = [point.new_tokens for point in points]
    y = [100 * point.tokens_share for point in points]
    share = float(np.interp(bought, x, y))
    right, top = max(*x, bought, 1), max(100.0, *y)

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.grid(axis="y")
        axes.plot([0, bought, bought], [share, share, 0], color=_ACCENT, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.plot(x, y, color=_INK, linewidth=1.6, marker="o", markersize=3, clip_on=False)
        axes.plot([bought], [share], color=_ACCENT, marker="o", markersize=7)
        # The curve falls: above right of a point, and below left of it, there is room.
        left_half, low = bought <= 0.5 * right, share < 0.2 * top
        axes.annotate(
            f"{bought:,} new tokens: {share:.0f} %",
            (bought, share),
            xytext=(8 if left_half else -8, 10 if left_half or low else -10),
            textcoords="offset points",
            ha="left" if left_half else "right",
            va="bottom" if left_half or low else "top",
            color=_ACCENT,
            fontweight="bold",
        )
        axes.set_xlim(0, 1.04 * right)
        axes.set_ylim(0, 1.04 * top)
        axes.set_xlabel("new tokens")
        axes.set_ylabel("held-out tokens, % of the base's")
        axes.xaxis.set_major_locator(need("matplotlib.ticker", "report").MaxNLocator(6, integer=True))
        axes.xaxis.set_major_formatter("{x:,.0f}")

    label = (
        f"Length of held-out {language_name} text in percent of the base's tokens, against the number of new "
        f"tokens: {share:.0f} % at the {bought:,} bought."
    )
    return _svg(draw, _CURVE_HEIGHT, label, (x, y, bought))


def norms_histogram(norms: Sequence[Norms]) -> str:
    """SVG of the norms of old and new rows, one panel for each table, in percent of the rows of each kind.

    Equal arguments give equal bytes.

    Raises:
        ValueError: there is no table.
        MissingPackageError: matplotlib is not installed.
    """
    if not norms:
        raise ValueError("norms of no table cannot be drawn")

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(len(norms), 1, squeeze=False)[:, 0]
        for axes, table in zip(panels, norms, strict=True):
            axes.grid(axis="y")
            axes.stairs(_percent(table.old), table.edges, fill=True, color=_OLD, alpha=0.3, linewidth=0)
            axes.stairs(_percent(table.old), table.edges, color=_OLD, linewidth=1, label="old rows")
            axes.stairs(_percent(table.new), table.edges, color=_ACCENT, linewidth=1.6, label="new rows")
            axes.set_xlim(table.edges[0], table.edges[-1])
            axes.set_ylim(bottom=0)
            axes.set_title(f"{table.table} table", loc="left", fontsize=9.5, fontweight="bold")
            axes.set_ylabel("% of rows")
            axes.legend(frameon=False, loc="best", handlelength=1.2)
        panels[-1].set_xlabel("Euclidean norm of a row")

    tables = " and ".join(table.table for table in norms)
    label = f"Histogram of the norms of old and new rows of the {tables} table."
    return _svg(draw, 0.4 + _PANEL_HEIGHT * len(norms), label, tuple(norms))


def _percent(counts: Iterable[int]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Shares in percent: tables of very different heights then compare."""
    values = np.array(tuple(counts), dtype=np.float64)
    return 100 * values / max(1.0, float(values.sum()))


def _svg(draw: Callable[["Figure"], None], height: float, label: str, data: object) -> str:
    matplotlib = need("matplotlib", "report")
    salt = hashlib.sha256(repr((label, data)).encode()).hexdigest()[:8]
    stream = io.StringIO()
    with matplotlib.rc_context():
        # What the user's matplotlibrc says must not change the page.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE | {"svg.hashsalt": salt})
        figure = need("matplotlib.figure", "report").Figure(figsize=(_WIDTH, height), layout="constrained")
        draw(figure)
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _inline(stream.getvalue(), salt, label)


def _inline(svg: str, salt: str, label: str) -> str:
    """Turn a whole SVG file into an element that can stand beside others in one HTML page."""
    svg = svg[svg.index("<svg") :]
    # The metadata are links, and the style element would hold for the whole page.
    svg = re.sub(r"<metadata>.*?</metadata>\s*|<style.*?</style>|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    # Equal ids in two plots would be one id in the page.
    svg = re.sub(r'\bid="', f'id="p{salt}-', svg)
    svg = re.sub(r'xlink:href="#|url\(#', lambda found: f"{found[0].removeprefix('xlink:')}p{salt}-", svg)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    size = re.search(r'viewBox="([^"]*)"', svg)
    opening = (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="{size[1] if size else ""}" '
        'stroke-linejoin="round">'
    )
    svg = opening + svg[svg.index(">") + 1 :]
    for colour, meaning in _COLOURS.items():
        svg = svg.replace(colour, meaning)
    return svg.strip()
