"""The two plots of the report page, as SVG for inlining into HTML."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vocabx._util.extras import need
from vocabx.report.extension_report import CurvePoint, Norms
from vocabx.report.svg import ACCENT, INK, OLD, inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches.
_CURVE_HEIGHT, _PANEL_HEIGHT = 3.1, 2.1


def tokens_curve(
    curve: Sequence[CurvePoint], added: int, language_name: str, floor: float | None = None
) -> str:
    """SVG of the held-out length, in percent of the base's tokens, against the number of new tokens.

    The point at `added` tokens is marked, and so is the `floor`: the share that no number of tokens gets
    below, None where there is none. Equal arguments give equal bytes.

    Raises:
        ValueError: the curve has no points.
        MissingPackageError: matplotlib is not installed.
    """
    if not curve:
        raise ValueError("a curve without points cannot be drawn")
    points = sorted(curve, key=lambda point: point.new_tokens)
    x = [point.new_tokens for point in points]
    y = [100 * point.tokens_share for point in points]
    share = float(np.interp(added, x, y))
    right, top = max(*x, added, 1), max(100.0, *y)

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.grid(axis="y")
        axes.plot([0, added, added], [share, share, 0], color=ACCENT, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.plot(x, y, color=INK, linewidth=1.6, marker="o", markersize=3, clip_on=False)
        axes.plot([added], [share], color=ACCENT, marker="o", markersize=7)
        if floor is not None:
            axes.axhline(100 * floor, color=OLD, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.annotate(
                f"no fewer than {100 * floor:.0f} %: the pre-tokenizer's words",
                (0, 100 * floor),
                xytext=(4, 3),
                textcoords="offset points",
                color=OLD,
                fontsize=8,
            )
        # The curve falls, so there is room above and right of a point, and below and left of it.
        left_half, low = added <= 0.5 * right, share < 0.2 * top
        axes.annotate(
            f"{added:,} new tokens: {share:.0f} %",
            (added, share),
            xytext=(8 if left_half else -8, 10 if left_half or low else -10),
            textcoords="offset points",
            ha="left" if left_half else "right",
            va="bottom" if left_half or low else "top",
            color=ACCENT,
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
        f"tokens: {share:.0f} % at the {added:,} tokens added."
    )
    return inline_svg(draw, _CURVE_HEIGHT, label, (x, y, added, floor))


def norms_histogram(norms: Sequence[Norms]) -> str:
    """SVG of the norms of old and new embeddings, one panel per matrix, in percent of the rows of each kind.

    Equal arguments give equal bytes.

    Raises:
        ValueError: `norms` is empty.
        MissingPackageError: matplotlib is not installed.
    """
    if not norms:
        raise ValueError("a histogram needs the norms of at least one matrix")

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(len(norms), 1, squeeze=False)[:, 0]
        for axes, table in zip(panels, norms, strict=True):
            axes.grid(axis="y")
            axes.stairs(_percent(table.old), table.edges, fill=True, color=OLD, alpha=0.3, linewidth=0)
            axes.stairs(_percent(table.old), table.edges, color=OLD, linewidth=1, label="old")
            axes.stairs(_percent(table.new), table.edges, color=ACCENT, linewidth=1.6, label="new")
            axes.set_xlim(table.edges[0], table.edges[-1])
            axes.set_ylim(bottom=0)
            axes.set_title(f"{table.table} embeddings", loc="left", fontsize=9.5, fontweight="bold")
            axes.set_ylabel("% of embeddings")
            axes.legend(frameon=False, loc="best", handlelength=1.2)
        panels[-1].set_xlabel("Euclidean norm")

    tables = " and ".join(table.table for table in norms)
    label = f"Histogram of the norms of the old and new {tables} embeddings."
    return inline_svg(draw, 0.4 + _PANEL_HEIGHT * len(norms), label, tuple(norms))


def _percent(counts: Iterable[int]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Shares in percent, so that few new rows compare with many old ones."""
    values = np.array(tuple(counts), dtype=np.float64)
    return 100 * values / max(1.0, float(values.sum()))
