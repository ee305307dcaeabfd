"""The curves of the extended model and of the base left alone, as SVG for inlining into HTML."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vocabx._util.extras import need
from vocabx.report.svg import ACCENT, OLD, inline_svg
from vocabx.training.contest import points_of
from vocabx.training.metrics import Measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 2.4
_MINUTES_FROM = 180.0


def contest_curves(
    extended: Sequence[Measured],
    base: Sequence[Measured],
    axis: str,
    language: str,
    measure: str = "bits per byte",
) -> str:
    """SVG of the scores of held-out text, over seconds of training or over bytes of text read.

    Args:
        extended, base: the held-out scores of both runs.
        axis: "trained_seconds" or "text_bytes".
        language: its name.
        measure: what the scores are.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    runs = (("base left alone", OLD, points_of(base, axis)), ("extended", ACCENT, points_of(extended, axis)))
    last = max(at[-1] for _, _, (at, _) in runs)
    unit, name = _unit(axis, last)

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.grid(axis="y")
        for label, color, (at, bits) in runs:
            places = [one / unit for one in at]
            axes.plot(
                places, bits, color=color, linewidth=1.6, marker="o", markersize=3, label=label, clip_on=False
            )
        axes.set_xlim(left=0)
        axes.set_xlabel(name)
        axes.set_ylabel(measure)
        axes.legend(frameon=False, fontsize=8.5)
        axes.xaxis.set_major_locator(need("matplotlib.ticker", "report").MaxNLocator(5))

    return inline_svg(draw, _HEIGHT, f"{measure.capitalize()} of held-out {language} against {name}", runs)


def _unit(axis: str, last: float) -> tuple[float, str]:
    """What to divide by, and the name of the axis."""
    if axis == "trained_seconds":
        return (60.0, "minutes of training") if last >= _MINUTES_FROM else (1.0, "seconds of training")
    return (1e6, "text read, MB") if last >= 1e6 else (1e3, "text read, kB")
