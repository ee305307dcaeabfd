"""What `vocabx run` prints: the steps that are finished, and the plan of a dry run."""

from typing import TYPE_CHECKING

from rich.table import Table

from vocabx.report.recipe_page import RecipeReport
from vocabx.training.duration import described

from .console import console, print_lines

if TYPE_CHECKING:
    from vocabx.commands.run.plan import RecipePlan


def print_steps(report: RecipeReport) -> None:
    """Print one line per finished step."""
    table = Table(title=f"{report.recipe} in {report.out}")
    for heading in ("step", "time", "memory", "disk", "", "what came out"):
        table.add_column(
            heading, justify="right" if heading in ("time", "memory", "disk") else "left", overflow="fold"
        )
    for step in report.steps:
        table.add_row(
            step.name,
            described(step.seconds).removeprefix("about "),
            _size(step.memory),
            _size(step.bytes),
            "FAILS" if not step.passed else "ran" if step.ran else "was finished",
            report.sentence(step.verdict),
        )
    console().print(table)


def print_recipe_plan(plan: "RecipePlan") -> None:
    """Print one line per step: whether it would run, and what that takes."""
    table = Table(title=f"{plan.recipe} in {plan.out}")
    for heading in ("step", "line", "", "time", "memory", "disk", "what it does"):
        right = heading in ("line", "time", "memory", "disk")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for step in plan.steps:
        table.add_row(
            step.name,
            str(step.line),
            "is finished" if step.finished else "goes on" if step.begun else "would run",
            "" if step.seconds is None else described(step.seconds).removeprefix("about "),
            _size(step.memory),
            _size(step.bytes),
            step.what,
        )
    console().print(table)
    print_lines([plan.sentence])


def _size(size: float | None) -> str:
    if not size:
        return ""
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
