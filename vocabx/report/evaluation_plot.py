"""The plot of an evaluation: bits per byte of each model on both texts, as SVG for inlining into HTML."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vocabx.evaluation.side_by_side import ModelNumbers
from vocabx.report.svg import ACCENT, OLD, inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME_CHARACTERS = 24


def bits_plot(models: Sequence[ModelNumbers], target: str, base_language: str) -> str:
    """SVG with one line per model, the first on top: bits per byte on both texts.

    Equal arguments give equal bytes.

    Args:
        models: at least one.
        target, base_language: names of the texts' languages.

    Raises:
        ValueError: there is no model.
        MissingPackageError: matplotlib is not installed.
    """
    if not models:
        raise ValueError("a plot needs the numbers of at least one model")
    rows = list(models)[::-1]
    bits = [(model.target.bits_per_byte, model.base_language.bits_per_byte) for model in rows]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.grid(axis="x")
        height = range(len(rows))
        for column, (color, size, label) in enumerate(((ACCENT, 7, target), (OLD, 5, base_language))):
            values = [pair[column] for pair in bits]
            axes.plot(values, height, "o", color=color, markersize=size, label=label)
            for y, value in zip(height, values, strict=True):
                axes.annotate(
                    f"{value:.2f}",
                    (value, y),
                    xytext=(0, 6),
                    textcoords="offset points",
                    ha="center",
                    color=color,
                    fontsize=8,
                )
        axes.set_yticks(list(height), [_short(model.name) for model in rows])
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 1.12 * max(max(pair) for pair in bits))
        axes.set_ylim(-0.6, len(rows) - 0.3)
        axes.set_xlabel("bits per byte")
        figure.legend(frameon=False, loc="outside upper right", ncols=2, handletextpad=0.2)

    values = "; ".join(
        f"{model.name} {pair[0]:.2f} and {pair[1]:.2f}" for model, pair in zip(rows, bits, strict=True)
    )
    label = f"Bits per byte of each model on {target} and on {base_language}: {values}."
    return inline_svg(draw, 0.95 + 0.42 * len(rows), label, (bits, [model.name for model in rows]))


def _short(name: str) -> str:
    """The end of a long name, where directories usually differ."""
    return name if len(name) <= _NAME_CHARACTERS else f"…{name[1 - _NAME_CHARACTERS :]}"
