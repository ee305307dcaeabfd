"""The options of `vocabx run`."""

from pathlib import Path

from vocabx._util.options import option, options
from vocabx.errors import OptionError


@options
class RunOptions:
    """Options of `run`; each has its own help text."""

    recipe: Path = option("The recipe, a .toml file; init-recipe writes one.", default=Path("recipe.toml"))
    from_: str = option(
        "Run this step and those after it again, finished or not. Those before it must be finished.",
        default="",
        metavar="<step>",
    )
    only: str = option(
        "Run this step alone again, finished or not. What it reads must be finished.",
        default="",
        metavar="<step>",
    )

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: if they do; the message names them.
        """
        if self.from_ and self.only:
            raise OptionError("--from runs several steps and --only runs one: pass one of them")
