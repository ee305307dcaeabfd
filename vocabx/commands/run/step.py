"""A recipe and its steps, once they are read; and how one step names the result of another."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocabx.commands.run.kinds import KINDS, TOKENIZER, Kind
from vocabx.errors import RecipeError

# The name of the finished model in the directory of a recipe.
MODEL = "model"
# The result of another step, in any value of a step: its directory, or the best initializer of a comparison.
_REFERENCE = re.compile(r"\{([^{}/]*)\}")


@dataclass(frozen=True)
class Step:
    """A step of a recipe, checked.

    Attributes:
        name: of its table.
        command: what it runs.
        line: of its table.
        values: its options by name, as plain data; another step's result as "{name}".
        lines: the line of each option that the recipe gives.
        reads: names of the steps whose results it reads.
    """

    name: str
    command: str
    line: int
    values: Mapping[str, Any]
    lines: Mapping[str, int]
    reads: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """What is known of its command."""
        return KINDS[self.command]

    @property
    def makes(self) -> str:
        """What it makes that another step can read."""
        return TOKENIZER if self.values.get("tokenizer_only") else self.kind.makes


@dataclass(frozen=True)
class Recipe:
    """A recipe, checked.

    Attributes:
        path: the file.
        out: the directory for its page and links to its results, relative to `root`.
        cache: the directory of the steps' results, which other recipes may share, relative to `root`.
        steps: in the order in which they run.
        out_line: where the recipe names its directory.
    """

    path: Path
    out: Path
    cache: Path
    steps: tuple[Step, ...]
    out_line: int

    @property
    def root(self) -> Path:
        """The directory that paths in the recipe are relative to."""
        return self.path.parent

    def error(self, step: Step, text: str, name: str = "") -> RecipeError:
        """An error of a step, at one of its options if the recipe gives it."""
        return placed(self.path, step.lines.get(name, step.line), step.name, text)


def placed(path: Path, line: int, step: str, text: str) -> RecipeError:
    """An error with its line and its step, "" for none."""
    where = f", step {step}" if step else ""
    return RecipeError(f"{path.name}, line {line}{where}: {text}")


def named(value: Any) -> Iterator[str]:
    """The steps whose results a value names."""
    for text in value if isinstance(value, list | tuple) else (value,):
        if isinstance(text, str | Path):
            yield from _REFERENCE.findall(str(text))


def substituted(value: Any, results: Mapping[str, str]) -> Any:
    """A value with the results of the steps that it names."""
    if isinstance(value, list | tuple):
        return [substituted(part, results) for part in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda found: results[found[1]], value)
