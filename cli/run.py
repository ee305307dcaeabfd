"""vocabx run: a recipe from text to a finished model."""

from typing import TYPE_CHECKING

import typer

from vocabx.commands.run.options import RunOptions

from .options import command
from .plain_line import json_line

if TYPE_CHECKING:
    from vocabx.report.recipe_page import RecipeReport


@command(RunOptions, arguments=("recipe",), dry_run=True)
def run(options: RunOptions, quiet: bool, dry_run: bool, as_json: bool) -> None:
    """Run a recipe, from text to a finished model: every step that is not finished."""
    from .progress import TerminalProgress

    progress = TerminalProgress(quiet)
    if dry_run:
        from vocabx.commands.run.plan import plan_recipe

        plan = plan_recipe(options, progress)
        if as_json:
            print(json_line(plan.to_dict()))
        else:
            from .recipe_table import print_recipe_plan

            print_recipe_plan(plan)
        return
    from vocabx.commands.run.run import run as run_recipe

    result = run_recipe(options, progress)
    if as_json:
        print(json_line(result.to_dict()))
    else:
        _print(result.report, str(result.directory / "report.html"))
    if not result.passed:
        raise typer.Exit(1)


def _print(report: "RecipeReport", page: str) -> None:
    from vocabx.report.recipe_page import recipe_verdict

    from .console import print_lines
    from .recipe_table import print_steps

    print_steps(report)
    print_lines(["", recipe_verdict(report)], style="bold")
    print_lines([f"report     {page}"])
