"""vocabx init-recipe: write a commented recipe for vocabx run."""

from vocabx.commands.init_recipe.options import InitRecipeOptions

from .options import command
from .plain_line import json_line


@command(InitRecipeOptions, arguments=())
def init_recipe(options: InitRecipeOptions, quiet: bool, as_json: bool) -> None:
    """Write a commented recipe, which vocabx run turns into a finished model."""
    from vocabx.commands.init_recipe.run import init_recipe as run

    from .console import print_lines
    from .progress import TerminalProgress

    path = run(options, TerminalProgress(quiet)).path
    if as_json:
        print(json_line({"recipe": str(path)}))
    else:
        print_lines([f"recipe     {path}", "next       " + f"vocabx run {path} --dry-run"])
