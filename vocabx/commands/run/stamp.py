"""The stamp of a finished step: what it read, what it wrote, and what it says; and how a step is recognised.

A step is known by the sha256 of its command, its options, the content of the files that they name, the steps
it reads and the version of vocabx. Its result lies under that name, so recipes that share a step share it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vocabx._util.json_file import Count, Written, is_there, read_fields
from vocabx._util.version import VERSION
from vocabx.commands.run.hashes import FileState, Hashes, digest, files_in, paths_named
from vocabx.commands.run.kinds import LEARNING, deciding_names, initializing_names, options_class
from vocabx.commands.run.step import Recipe, Step, substituted
from vocabx.errors import RecipeError

_SHOWN = 12


class Told(Written, frozen=True, omit_defaults=True):
    """What a finished step says.

    Attributes:
        verdict: what came out, in one sentence.
        figures: its numbers in words, by what they are.
        page: the file with its own page, "" for none.
        passed: whether everything that must hold does.
        choice: of a comparison, the best initializer.
    """

    verdict: str
    figures: dict[str, str]
    page: str = ""
    passed: bool = True
    choice: str = ""


class Stamp(Written, frozen=True):
    """A finished step.

    Attributes:
        version: of vocabx.
        command: what ran, as one would type it.
        options: those that decide the result: as given, or the sha256 of the files that they name.
        steps: of the steps that it read, what they made, by name; see `made`.
        files: what it wrote, by name.
        told: what it says.
        seconds: how long it took, all tries together.
        memory: bytes of memory at its peak, in the last try.
        finished: when, as ISO 8601.
    """

    version: str
    command: str
    options: dict[str, Any]
    steps: dict[str, str]
    files: dict[str, FileState]
    told: Told
    seconds: float
    memory: Count
    finished: str

    @property
    def made(self) -> str:
        """The sha256 of everything that it wrote."""
        return digest([[name, state.sha256] for name, state in sorted(self.files.items())])

    @property
    def bytes(self) -> int:
        """The size of what it wrote."""
        return sum(state.bytes for state in self.files.values())

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        part = path.with_name(f".{path.name}")
        part.write_text(json.dumps(self.plain(), ensure_ascii=False, indent=1), encoding="utf-8")
        part.replace(path)


@dataclass(frozen=True)
class Job:
    """A step, once what it reads is known.

    Attributes:
        step: of the recipe.
        key: the sha256 that it is known by.
        place: the directory of its result, relative to the recipe's; not every command writes one.
        options: those that decide the result, for its stamp.
        values: its options, with the results of other steps filled in.
        steps: what the steps that it reads made, by name.
    """

    step: Step
    key: str
    place: Path
    options: Mapping[str, Any]
    values: Mapping[str, Any]
    steps: Mapping[str, str]


def job_of(recipe: Recipe, step: Step, done: Mapping[str, tuple[Job, Stamp]], hashes: Hashes) -> Job:
    """A step whose inputs are finished.

    Args:
        recipe: the recipe.
        step: one of its steps.
        done: the finished steps that it reads, at least.
        hashes: of files.
    """
    results = {name: str(job.place) for name, (job, _) in done.items()}
    keys = {name: f"step {job.key[:_SHOWN]}" for name, (job, _) in done.items()}
    choices = {name: stamp.told.choice for name, (_, stamp) in done.items() if stamp.told.choice}
    values = {
        name: substituted(value, results | (choices if name == "init" else {}))
        for name, value in step.values.items()
    }
    options = {}
    for name in deciding_names(step.command):
        given = substituted(_given(step, name), keys | (choices if name == "init" else {}))
        options[name] = given if name in step.kind.files else _content(given, recipe.root, hashes)
    key = digest([VERSION, step.command, options])
    place = recipe.cache / f"{step.command}-{key[:_SHOWN]}"
    values |= {name: str(place / values[name]) for name in step.kind.files if name in values}
    values |= {"out": str(place)} if step.kind.out else {}
    return Job(step, key, place, options, values, {name: done[name][1].made for name in step.reads})


def learned_place(recipe: Recipe, job: Job) -> str:
    """Where the steps that read and learn the same keep new tokens, relative to the recipe; "" for others."""
    if job.step.command not in LEARNING:
        return ""
    decide = {name: value for name, value in job.options.items() if name not in initializing_names()}
    return str(recipe.cache / "learned" / f"{digest([VERSION, decide])[:_SHOWN]}.json")


def _given(step: Step, name: str) -> Any:
    """The value of an option, or its default."""
    if name in step.values:
        value = step.values[name]
        return list(value) if isinstance(value, list | tuple) else value
    default = next(one.default for one in fields(options_class(step.command)) if one.name == name)
    return (
        list(default)
        if isinstance(default, tuple)
        else str(default)
        if isinstance(default, Path)
        else default
    )


def _content(value: Any, root: Path, hashes: Hashes) -> Any:
    """A value, or the sha256 of what it names on the disk."""
    if isinstance(value, list):
        return [_content(part, root, hashes) for part in value]
    if not isinstance(value, str) or not value or value == ".":
        return value
    paths = paths_named(value, root)
    if not paths:
        return value
    return f"sha256 {digest([hashes.of(path) for path in paths])}"


def stamp_path(recipe: Recipe, job: Job) -> Path:
    """Where the stamp of a step is, once it is finished."""
    place = recipe.root / job.place
    return place.with_name(f"{place.name}.json")


def read_stamp(path: Path) -> Stamp | None:
    """The stamp of a step, None if it is not finished.

    Raises:
        RecipeError: it is damaged.
    """
    if not is_there(path):
        return None
    return read_fields(path, Stamp, RecipeError, "restore it, or remove it to run its step again")


def states(place: Path, hashes: Hashes) -> dict[str, FileState]:
    """The files of a result, by name."""
    return (
        {str(path.relative_to(place)): hashes.state(path) for path in files_in(place)}
        if place.is_dir()
        else {}
    )


def changed_file(place: Path, stamp: Stamp, hashes: Hashes) -> Path | None:
    """A file of a result that is not as it was written, None if there is none."""
    for name, state in stamp.files.items():
        path = place / name
        if not path.is_file():
            return path
        stat = path.stat()
        if (stat.st_size, stat.st_mtime_ns) == (state.bytes, state.changed):
            continue
        if stat.st_size != state.bytes or hashes.state(path).sha256 != state.sha256:
            return path
    return None


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The options in which two runs of a step differ, in words."""
    return ", ".join(name for name in now if before.get(name) != now[name])
