"""The page of an evaluation: one self-contained HTML file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from vocabx.evaluation.side_by_side import MeasuredText, ModelNumbers, SideBySide
from vocabx.report.alignment_plot import alignment_plot
from vocabx.report.evaluation_plot import bits_plot
from vocabx.report.task_rows import boundary_sentence, shown_task, task_rows
from vocabx.report.templates import render_template, visible

_SPACE = "\u00a0"


@dataclass(frozen=True)
class Figure:
    """A number as formatted on the page, and whether it is the best of a column whose values differ."""

    text: str
    best: bool


def render_evaluation(table: SideBySide) -> str:
    """The content of evaluation.html. Equal numbers give equal pages.

    Raises:
        MissingPackageError: matplotlib, which draws the plot, is not installed.
    """
    values = {
        "table": table,
        "rows": _rows(table),
        "verdict": verdict(table),
        "has_base": any(model.is_base for model in table.models),
        "left_out": [model for model in table.models if model.from_base and model.from_base.left_out],
        "aligned": [(model, model.alignment.summary()) for model in table.models if model.alignment],
        "alignment_plot": Markup(_alignment_plot(table)),
        "tasks": list(task_rows(table.models)),
        "boundaries": list(filter(None, map(boundary_sentence, table.models))),
        "plot": Markup(bits_plot(table.models, name_of(table.target), name_of(table.base_language))),
    }
    return render_template(
        "evaluation.html",
        values,
        {
            "count": _count,
            "language": name_of,
            "million": _million,
            "nats": _nats,
            "seconds": _seconds,
            "task": shown_task,
            "visible": visible,
        },
    )


def verdict(table: SideBySide) -> str:
    """Which model predicts the new language best, and what that costs the base's, in one plain sentence."""
    name, (best, *others) = name_of(table.target), sorted(table.models, key=_target_bits)
    bits = f"{_target_bits(best):.2f} {table.measure}"
    if not others:
        return f"{best.name} scores {bits} on {name}."
    base = next((model for model in table.models if model.is_base), None)
    if base is None or best is base:
        who = f"{best.name}{', the base,' if best is base else ''}"
        return f"{who} predicts {name} best: {bits}, and {others[0].name} {_target_bits(others[0]):.2f}."
    return (
        f"{best.name} predicts {name} best: {bits}, and the base {_target_bits(base):.2f}; "
        f"{_kept(best, base, table)}."
    )


def _rows(table: SideBySide) -> list[tuple[ModelNumbers, list[Figure], Figure | None]]:
    """Each model with its figures in column order, and its speed."""
    models = table.models
    columns = [
        _column([model.target.bits_per_byte for model in models], 3, min),
        _column([model.target.bits_per_byte_start for model in models], 3, min),
        _column([model.target.characters_per_token for model in models], 2, max),
        _column([model.base_language.bits_per_byte for model in models], 3, min),
        _column([model.base_language.characters_per_token for model in models], 2, max),
    ]
    speeds: Sequence[Figure | None] = [None] * len(models)
    if all(model.generated for model in models):
        speeds = _column([m.generated.characters_per_second for m in models if m.generated], 1, max)
    figures = [list(row) for row in zip(*columns, strict=True)]
    return list(zip(models, figures, speeds, strict=True))


def _column(values: Sequence[float], digits: int, better: Callable[[Sequence[float]], float]) -> list[Figure]:
    """The figures of a column; those that look equal count as equal."""
    texts, best = [f"{value:.{digits}f}" for value in values], f"{better(values):.{digits}f}"
    return [Figure(text, text == best and len(set(texts)) > 1) for text in texts]


def _alignment_plot(table: SideBySide) -> str:
    return alignment_plot(table.models) if any(model.alignment for model in table.models) else ""


def _target_bits(model: ModelNumbers) -> float:
    return model.target.bits_per_byte


def _kept(model: ModelNumbers, base: ModelNumbers, table: SideBySide) -> str:
    name, before = name_of(table.base_language), base.base_language.bits_per_byte
    after = model.base_language.bits_per_byte
    if round(before, 2) == round(after, 2):
        return f"{name} stays at {after:.2f}"
    return f"{name} goes from {before:.2f} to {after:.2f}, which is {'better' if after < before else 'worse'}"


def name_of(text: MeasuredText) -> str:
    """The name of a text's language, or "the base's language" for a text given by the user."""
    return "the base's language" if text.language == "und" else text.name


def _count(number: int) -> str:
    return f"{number:,}"


def _million(number: int) -> str:
    return f"{number / 1e6:,.1f}{_SPACE}M"


def _nats(number: float) -> str:
    return f"{number:.4f}" if number >= 0.001 else f"{number:.1g}"


def _seconds(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"
