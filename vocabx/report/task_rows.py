"""Results on tasks as rows: one for each task and metric, a number for each model."""

from collections.abc import Iterator, Sequence

from vocabx.evaluation.side_by_side import ModelNumbers, TaskNumber

_DIGITS = 4


def task_rows(models: Sequence[ModelNumbers]) -> Iterator[tuple[str, str, list[TaskNumber | None]]]:
    """The task, the metric with the better direction where it is known, and the number of each model."""
    for first in dict.fromkeys(
        (one.task, one.metric, one.higher_is_better) for m in models for one in m.tasks
    ):
        task, metric, better = first
        arrow = {True: " ↑", False: " ↓", None: ""}[better]
        found = [{(one.task, one.metric): one for one in model.tasks} for model in models]
        yield task, metric + arrow, [numbers.get((task, metric)) for numbers in found]


def shown_task(number: TaskNumber) -> str:
    """A result, with its standard error in parentheses where there is one."""
    error = "" if number.stderr is None else f" ({number.stderr:.{_DIGITS}f})"
    return f"{number.value:.{_DIGITS}f}{error}"


def boundary_sentence(model: ModelNumbers) -> str:
    """What a model's tokens do where contexts end, in one sentence; "" where no token straddles."""
    found = model.boundaries
    if found is None or not found.straddled:
        return ""
    return (
        f"{model.name} tokenizes {found.straddled:,} of {found.pairs:,} contexts and continuations "
        f"({found.share:.1%}) with a token that straddles the two; they are scored by their text."
    )
