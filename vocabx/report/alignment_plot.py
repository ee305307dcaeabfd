"""The plot of what is alike inside each model: Language Ranker and MEXA by layer, as SVG for inlining."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vocabx.evaluation.side_by_side import Alignment, ModelNumbers
from vocabx.report.svg import ACCENT, OLD, inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKERS = "os^Dv<>p"
_PANELS = (("cosine of last tokens", "ranker"), ("share matched (MEXA)", "mexa"))


def alignment_plot(models: Sequence[ModelNumbers]) -> str:
    """SVG with two panels by layer: a line for each measured model, and a dotted one for its shuffled pairs.

    The base's line is gray. Equal arguments give equal bytes.

    Args:
        models: at least one with an `alignment`.

    Raises:
        ValueError: none has one.
        MissingPackageError: matplotlib is not installed.
    """
    measured = [(model, model.alignment) for model in models if model.alignment is not None]
    if not measured:
        raise ValueError("a plot needs the alignment of at least one model")

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(len(_PANELS), sharex=True)
        for axes, (title, name) in zip(panels, _PANELS, strict=True):
            axes.grid(axis="y")
            axes.set_ylabel(title)
            for number, (model, alignment) in enumerate(measured):
                color, marker = OLD if model.is_base else ACCENT, _MARKERS[number % len(_MARKERS)]
                axes.plot(
                    _values(alignment, name),
                    color=color,
                    marker=marker,
                    markersize=3,
                    linewidth=1,
                    label=model.name,
                )
                shuffled = _values(alignment, f"{name}_shuffled")
                axes.plot(shuffled, ":", color=color, marker=marker, markersize=1.5, linewidth=1)
        panels[1].set_ylim(bottom=0)
        panels[1].set_xlabel("layer; 0 are the embeddings")
        lines = panels[0].get_lines()[::2]
        figure.legend(
            lines, [_short(line.get_label()) for line in lines], frameon=False, loc="outside upper left"
        )

    label = "Language Ranker and MEXA of each model by layer. " + " ".join(
        f"{model.name}: Language Ranker {summary['language_ranker']:.2f}, of shuffled pairs "
        f"{summary['language_ranker_shuffled']:.2f}; MEXA {summary['mexa_mean']:.2f}, of shuffled pairs "
        f"{summary['mexa_mean_shuffled']:.2f}."
        for model, alignment in measured
        for summary in [alignment.summary()]
    )
    return inline_svg(draw, 3.8 + 0.18 * len(measured), label, [alignment for _, alignment in measured])


def _values(alignment: Alignment, name: str) -> tuple[float, ...]:
    found: tuple[float, ...] = getattr(alignment, name)
    return found


def _short(name: object) -> str:
    """The end of a long name, where directories usually differ."""
    text = str(name)
    return text if len(text) <= 60 else f"…{text[-59:]}"
