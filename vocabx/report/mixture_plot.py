"""Scores by the share of new text: what was measured, and the laws fitted to it."""

from typing import TYPE_CHECKING

import numpy as np

from vocabx.report.svg import ACCENT, FAINT, INK, OLD, inline_svg
from vocabx.training.mixture_study import MixtureStudy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 4.6


def mixture_plot(study: MixtureStudy, target: str, other: str) -> str:
    """SVG of the last scores of both languages by the share of the new one, after as many tokens as a run.

    Args:
        study: the numbers.
        target, other: names of the languages.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    tried = [1 - run.replay_share for run in study.runs]
    shares = np.linspace(min(tried), max(tried), 200)
    tokens = study.kept_in_runs.tokens

    def draw(figure: "Figure") -> None:
        above, below = figure.subplots(2, sharex=True)
        panels = (
            (above, target, "target_bits", study.target_law(tokens, shares), ACCENT),
            (below, other, "base_bits", study.base_law(tokens, 1 - shares), OLD),
        )
        for axes, name, kind, curve, color in panels:
            axes.grid(axis="y")
            axes.plot(100 * shares, curve, color=color, linewidth=1.6)
            for run in study.runs:
                at, bits = 100 * (1 - run.replay_share), getattr(run.measured[-1], kind)
                face = color if run.fitted else "none"
                axes.plot(at, bits, "o", color=color, markerfacecolor=face, markersize=5)
            axes.set_ylabel(f"{name}, bits per byte")
        limit = study.base_before * (1 + study.tolerance / 100)
        below.axhline(limit, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        found = study.kept_in_runs
        if found.share is not None and found.low is not None and found.high is not None:
            for axes in (above, below):
                axes.axvspan(100 * found.low, 100 * found.high, color=FAINT, linewidth=0)
                axes.axvline(100 * found.share, color=INK, linewidth=0.9)
        below.set_xlabel(f"share of {target} in percent, the rest is replay")

    label = f"Bits per byte of {target} and {other} by the share of {target}"
    return inline_svg(draw, _HEIGHT, label, study)
