"""Which steps --from and --only ask for."""

from vocabx.commands.run.options import RunOptions
from vocabx.commands.run.step import Recipe
from vocabx.errors import RecipeError


def chosen_steps(recipe: Recipe, options: RunOptions) -> tuple[set[str], set[str]]:
    """Names of the steps to run again though they are finished, and of those that may run."""
    names = [step.name for step in recipe.steps]
    name = options.from_ or options.only
    if not name:
        return set(), {*names}
    if name not in names:
        flag = "--from" if options.from_ else "--only"
        raise RecipeError(f"{flag} is {name[:60]!r}: pass a step of {recipe.path.name}, {', '.join(names)}")
    chosen = {name} if options.only else {*names[names.index(name) :]}
    return chosen, chosen
