"""The curves of a training run, as SVG for inlining into HTML."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.report.svg import ACCENT, FAINT, INK, OLD, inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT, _LOW = 3.2, 2.0


def heldout_curves(metrics: Sequence[dict[str, Any]], language: str, base_language: str) -> str:
    """SVG of bits per byte against training tokens: held-out text in both languages, and the training text.

    Args:
        metrics: the lines of metrics.jsonl.
        language, base_language: their names.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    steps = [entry for entry in metrics if "loss" in entry]
    measured = [entry for entry in metrics if "target_bits" in entry]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.grid(axis="y")
        x = [entry["tokens"] for entry in steps]
        y = smoothed([entry["bits_per_byte"] for entry in steps])
        axes.plot(x, y, color=FAINT, linewidth=1.2)
        # The new language's curve falls, so there is room below its end, and above the end of the other's.
        lines = ((base_language, "base_bits", OLD, 8), (language, "target_bits", ACCENT, -9))
        top = max(
            [*y, *(entry[kind] for entry in measured for _, kind, *_ in lines if kind in entry)], default=1.0
        )
        for name, kind, color, above in lines:
            points = [(entry["tokens"], entry[kind]) for entry in measured if kind in entry]
            if points:
                _line(axes, points, name, color, above)
        axes.set_ylim(0, 1.08 * top)
        axes.set_xlim(left=0)
        axes.set_xlabel("training tokens")
        axes.set_ylabel("bits per byte")
        _few_ticks(axes)

    label = f"Bits per byte of held-out {language} and {base_language} against training tokens"
    return inline_svg(draw, _HEIGHT, label, (steps, measured))


def change_curves(metrics: Sequence[dict[str, Any]], language: str, base_language: str) -> str:
    """SVG of the change of held-out text in percent against steps, on a logarithmic axis: a gap is a hump.

    Args:
        metrics: the lines of metrics.jsonl, with a score of step 0 and one after it.
        language, base_language: their names.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    measured = [entry for entry in metrics if "target_bits" in entry]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.grid(axis="y")
        axes.axhline(0, color=FAINT, linewidth=0.9)
        for name, kind, color in ((base_language, "base_bits", OLD), (language, "target_bits", ACCENT)):
            points = [(entry["step"], entry[kind]) for entry in measured if kind in entry]
            first = points[0][1] if points else 0.0
            later = [(step, 100 * (bits / first - 1)) for step, bits in points[1:]]
            if later:
                x, y = zip(*later, strict=True)
                axes.plot(x, y, color=color, linewidth=1.6, marker="o", markersize=3.5, label=name)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("step")
        axes.set_ylabel("change in %")
        axes.legend(frameon=False, fontsize=8.5)

    label = f"Change of held-out {language} and {base_language} in percent against steps"
    return inline_svg(draw, _LOW + 0.4, label, measured)


def rate_curves(metrics: Sequence[dict[str, Any]], names: Mapping[str, str]) -> str:
    """SVG of the learning rates against training tokens, one line per parameter group.

    Args:
        metrics: the lines of metrics.jsonl.
        names: label of each parameter group.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    steps = [entry for entry in metrics if "loss" in entry]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.grid(axis="y")
        x = [entry["tokens"] for entry in steps]
        for kind, color in (("rows", ACCENT), ("others", INK)):
            if kind in steps[0]["rates"]:
                y = [entry["rates"][kind] for entry in steps]
                axes.plot(x, y, color=color, linewidth=1.4, label=names[kind])
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.set_xlabel("training tokens")
        axes.set_ylabel("learning rate")
        axes.legend(frameon=False, fontsize=8.5)
        _few_ticks(axes)

    return inline_svg(draw, _LOW, "Learning rates against training tokens", steps)


def smoothed(values: Sequence[float]) -> NDArray[np.float64]:
    """A moving average over about a fifteenth of the values; the windows at the ends are shorter."""
    series = np.asarray(values, dtype=np.float64)
    width = max(1, len(series) // 30)
    window = np.ones(2 * width + 1)
    counts = np.convolve(np.ones_like(series), window, mode="same")
    return (
        np.asarray(np.convolve(series, window, mode="same") / counts) if len(series) > len(window) else series
    )


def _line(axes: "Axes", points: Sequence[tuple[int, float]], name: str, color: str, above: int) -> None:
    x, y = zip(*points, strict=True)
    axes.plot(x, y, color=color, linewidth=1.6, marker="o", markersize=3.5, clip_on=False)
    axes.annotate(
        f"{name}: {y[0]:.2f} → {y[-1]:.2f}",
        (x[-1], y[-1]),
        xytext=(0, above),
        textcoords="offset points",
        ha="right",
        va="bottom" if above > 0 else "top",
        color=color,
        fontweight="bold",
    )


def _few_ticks(axes: "Axes") -> None:
    axes.xaxis.set_major_locator(need("matplotlib.ticker", "report").MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
