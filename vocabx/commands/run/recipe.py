"""A recipe: a TOML file whose tables are steps, in order, each with the options of the command it names.

Read and checked as a whole before anything runs: names, types, files that are named, and what reads what.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from vocabx._util.options import about, flag
from vocabx._util.suggest import nearest
from vocabx.commands.run.kinds import DECIDED, KINDS, option_names, options_class
from vocabx.commands.run.lines import lines_of
from vocabx.commands.run.step import MODEL, Recipe, Step, named, placed
from vocabx.commands.run.wiring import filled, shared_names, wired
from vocabx.corpus.find_texts import find_texts
from vocabx.errors import OptionError, RecipeError, VocabxError

# What stands above all tables, and the table of options that the steps which read text share.
_ABOVE, SHARED = ("base", "lang", "out", "steps"), "text"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
# Names in the directory of a recipe that are no step's.
RESERVED = (MODEL, "report", SHARED)
_LARGEST = 1_000_000


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        RecipeError: it cannot be read, or is wrong; the message names the line and the step.
    """
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path.name} is not TOML: {error}") from None
    except RecursionError:
        raise RecipeError(f"{path.name} is not TOML: it is nested too deeply") from None
    return _Reader(path, content, lines_of(text)).recipe()


def _text(path: Path) -> str:
    try:
        # Opening a pipe would wait for a writer.
        if path.exists() and not path.is_file():
            raise RecipeError(f"{path} is no file: pass a recipe, which vocabx init-recipe writes")
        data = path.read_bytes() if path.stat().st_size <= _LARGEST else None
    except FileNotFoundError:
        raise RecipeError(f"{path} is not there: vocabx init-recipe --out {path} writes one") from None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}; pass another recipe") from None
    if data is None:
        raise RecipeError(f"{path} is larger than a recipe can be: pass another one")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise RecipeError(f"{path} is not UTF-8 text: save it as such") from None


class _Reader:
    """Checks the content of a recipe."""

    def __init__(self, path: Path, content: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]) -> None:
        self.path, self.content, self.lines = path, content, lines

    def recipe(self) -> Recipe:
        """The recipe, if nothing is wrong with it."""
        above = {name: value for name, value in self.content.items() if not isinstance(value, dict | list)}
        self._check_above(above)
        out = Path(above.get("out", Path("runs") / self.path.stem))
        cache = Path(above.get("steps", out.parent / "steps"))
        tables = {name: value for name, value in self.content.items() if name not in above and name != SHARED}
        steps = tuple(self._step(name, value) for name, value in tables.items())
        if not steps:
            raise RecipeError(f"{self.path.name} holds no step: write a table such as [extend]")
        shared = self.content.get(SHARED, {})
        self._check_shared(shared, steps)
        steps = wired(tuple(filled(step, above, shared) for step in steps), self._error)
        for step in steps:
            self._check_values(step)
        return Recipe(self.path, out, cache, self._ordered(steps), self._line("out"))

    def _line(self, *path: str) -> int:
        return next(
            (self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), 1
        )

    def _error(self, step: Step, text: str, name: str = "") -> RecipeError:
        return placed(self.path, step.lines.get(name, step.line), step.name, text)

    def _check_above(self, above: Mapping[str, Any]) -> None:
        for name, value in above.items():
            if name not in _ABOVE:
                known = (*_ABOVE, *self.content)
                hint = nearest(name, [one for one in known if one != name])
                raise placed(
                    self.path, self._line(name), "",
                    f"there is no {name!r} above the steps, only {', '.join(_ABOVE)}.{hint}",
                )  # fmt: skip
            if not isinstance(value, str) or not value.strip() or "\0" in value:
                raise placed(self.path, self._line(name), "", f"{name} is {value!r}: pass a string")

    def _step(self, name: str, value: Any) -> Step:
        line = self._line(name)
        if not isinstance(value, dict):
            text = f"a step is a table with a name of its own: [{name}], and others with command = {name!r}"
            raise placed(self.path, line, name, text)
        given = dict(value)
        command = given.pop("command", name)
        if command not in KINDS:
            hint = nearest(str(command), KINDS)
            text = f"no step runs {command!r}: give command = one of {', '.join(KINDS)}.{hint}"
            raise placed(self.path, self._line(name, "command"), name, text)
        if not _NAME.fullmatch(name) or name in RESERVED:
            text = "name a step with letters, digits, '-' and '_', and not " + " or ".join(RESERVED)
            raise placed(self.path, line, name, text)
        lines = {option: self._line(name, option) for option in given}
        step = Step(name, command, line, given, lines)
        known = option_names(command)
        for option in given:
            if option in DECIDED:
                raise self._error(step, f"the run itself decides {option!r}: leave it out", option)
            if option not in known:
                hint = nearest(option, known)
                raise self._error(step, f"{command} has no option {option!r}.{hint}", option)
        return step

    def _check_shared(self, shared: Any, steps: tuple[Step, ...]) -> None:
        if not isinstance(shared, dict):
            raise placed(self.path, self._line(SHARED), "", "[text] is a table of options about text")
        known = shared_names(steps)
        for name in shared:
            if name not in known:
                hint = nearest(name, known)
                text = f"no step that learns or trains has an option {name!r} about text.{hint}"
                raise placed(self.path, self._line(SHARED, name), SHARED, text)

    def _check_values(self, step: Step) -> None:
        """Check types and bounds, and that the files that it names are there."""
        kind = options_class(step.command)
        given = step.values
        for name in step.kind.needs:
            if not given.get(name):
                raise self._error(step, f"{step.command} needs {name}: give it", name)
        for name in step.kind.files:
            if Path(str(given.get(name, "file"))).name != given.get(name, "file"):
                text = f"{name} is {given[name]!r}: pass a name without a directory, which the run decides"
                raise self._error(step, text, name)
        # Which initializer is best is not known yet.
        checked = {name: value for name, value in given.items() if name != "init" or not [*named(value)]}
        try:
            made = kind(**checked)
        except OptionError as error:
            raise self._misfit(step, str(error)) from None
        for one in fields(kind):
            if (
                one.name in given
                and about(one).metavar == "<path>"
                and isinstance(getattr(made, one.name), tuple)
            ):
                self._check_texts(step, one.name, getattr(made, one.name))
        path = getattr(made, step.kind.takes)
        for part in path if isinstance(path, tuple) else (path,):
            if isinstance(part, Path) and not [*named(part)] and not (self.path.parent / part).exists():
                raise self._error(
                    step, f"{part} is not there: pass what an earlier step makes", step.kind.takes
                )

    def _check_texts(self, step: Step, name: str, patterns: tuple[str, ...]) -> None:
        own = [text for text in patterns if not [*named(text)]]
        if name == "runtimes_at":
            return
        try:
            find_texts([text if "://" in text else str(self.path.parent / text) for text in own])
        except VocabxError as error:
            where = step if name in step.lines else replace(step, line=self._line(SHARED, name))
            raise self._error(where, str(error), name) from None

    def _misfit(self, step: Step, text: str) -> RecipeError:
        """A refusal in the words of the command line, in those of a recipe."""
        given = sorted(step.values, key=lambda name: -len(name))
        first = min(
            (name for name in given if flag(name) in text), key=lambda n: text.index(flag(n)), default=""
        )
        for one in sorted((f.name for f in fields(options_class(step.command))), key=lambda name: -len(name)):
            text = re.sub(rf"{re.escape(flag(one))}(?![\w-])", one, text)
        if first and first not in step.lines and first in self.content.get(SHARED, {}):
            step = replace(step, line=self._line(SHARED, first))
        elif first and first not in step.lines and first in self.content:
            step = replace(step, line=self._line(first))
        return self._error(step, text, first)

    def _ordered(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """The steps in an order in which each comes after what it reads, else as in the recipe."""
        by_name = {step.name: step for step in steps}
        done: dict[str, Step] = {}

        def visit(step: Step, above: tuple[str, ...]) -> None:
            if step.name in above:
                circle = " reads ".join((*above[above.index(step.name) :], step.name))
                raise self._error(step, f"this is a cycle, which never begins: {circle}")
            for name in step.reads:
                if name not in by_name:
                    which = next(option for option, value in step.values.items() if name in named(value))
                    hint = nearest(name, by_name)
                    raise self._error(step, f"no step is called {name!r}.{hint}", which)
                visit(by_name[name], (*above, step.name))
            done.setdefault(step.name, step)

        for step in steps:
            visit(step, ())
        return tuple(done.values())
