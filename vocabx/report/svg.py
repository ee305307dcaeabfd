"""Plots as inline SVG elements that take the colors of their page."""

import hashlib
import io
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from vocabx._util.extras import Packages, need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PACKAGES: Packages = {"matplotlib": "report"}
# Placeholder colors for matplotlib, and the CSS values that replace them, so that one SVG serves light and
# dark pages. The second value of each var() is the fallback for an SVG viewed on its own.
INK, FAINT, ACCENT, OLD = "#010203", "#040506", "#070809", "#0a0b0c"
_COLORS = {
    INK: "currentColor",
    FAINT: "var(--line, #8888)",
    ACCENT: "var(--accent, #14877d)",
    OLD: "var(--muted, #808080)",
}


def plain_axes(ink: str, faint: str) -> dict[str, Any]:
    """Matplotlib settings for axes without a frame: text in one color, lines in another."""
    return {
        # A language's name may hold any character, so none starts mathematical notation.
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
    **plain_axes(INK, FAINT),
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "lines.solid_capstyle": "round",
}
# Inches of 72 units each. Narrow, so that text stays legible when a phone scales the plot down.
_WIDTH = 4.6


def inline_svg(draw: Callable[["Figure"], None], height: float, label: str, data: object) -> str:
    """Draw a plot as one `<svg>` element; equal arguments give equal bytes.

    Args:
        draw: draws on a figure, with the colors of this module.
        height: height of the figure in inches; all figures are 4.6 inches wide.
        label: what the plot shows, for screen readers.
        data: what is drawn, so that the ids of two plots differ; anything with a repr.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    matplotlib = need("matplotlib", "report")
    salt = hashlib.sha256(repr((label, data)).encode()).hexdigest()[:8]
    stream = io.StringIO()
    with matplotlib.rc_context():
        # The user's matplotlibrc must not change the page.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE | {"svg.hashsalt": salt})
        figure = need("matplotlib.figure", "report").Figure(figsize=(_WIDTH, height), layout="constrained")
        draw(figure)
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _inline(stream.getvalue(), salt, label)


def _inline(svg: str, salt: str, label: str) -> str:
    """Turn an SVG file into an element that can be inlined with others in one HTML page."""
    svg = svg[svg.index("<svg") :]
    # The metadata holds links, and the style element would apply to the whole page.
    svg = re.sub(r"<metadata>.*?</metadata>\s*|<style.*?</style>|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    # Ids must be unique in the page, so those of two plots must differ.
    svg = re.sub(r'\bid="', f'id="p{salt}-', svg)
    svg = re.sub(r'xlink:href="#|url\(#', lambda found: f"{found[0].removeprefix('xlink:')}p{salt}-", svg)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", svg)
    size = re.search(r'viewBox="([^"]*)"', svg)
    opening = (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="{size[1] if size else ""}" '
        'stroke-linejoin="round">'
    )
    svg = opening + svg[svg.index(">") + 1 :]
    for placeholder, color in _COLORS.items():
        svg = svg.replace(placeholder, color)
    return svg.strip()
