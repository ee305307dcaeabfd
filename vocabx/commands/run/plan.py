"""The plan of a recipe: which steps would run, and what they take: the content of --dry-run."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vocabx.checkpoint.staging import unfinished_of
from vocabx.commands.run.chosen import chosen_steps
from vocabx.commands.run.hashes import Hashes
from vocabx.commands.run.options import RunOptions
from vocabx.commands.run.process import Refused, ask
from vocabx.commands.run.recipe import read_recipe
from vocabx.commands.run.stamp import Job, Stamp, job_of, read_stamp, stamp_path
from vocabx.commands.run.step import Recipe, Step
from vocabx.errors import VocabxError
from vocabx.progress import Progress, Quiet
from vocabx.training.duration import described


@dataclass(frozen=True)
class PlannedStep:
    """A step of a plan.

    Attributes:
        name, command, line: as in the recipe.
        finished: whether nothing is to be done.
        begun: whether an unfinished one would be resumed.
        seconds, memory, bytes: what it would take, or took; None if unknown.
        what: what it would do, in a few words; "" for what is finished.
    """

    name: str
    command: str
    line: int
    finished: bool
    begun: bool
    seconds: float | None
    memory: int | None
    bytes: int | None
    what: str


@dataclass(frozen=True)
class RecipePlan:
    """The plan of a recipe: its steps in order, and the bytes that are free where they write."""

    recipe: str
    out: str
    steps: tuple[PlannedStep, ...]
    disk_free: int

    @property
    def sentence(self) -> str:
        """What is left to do, in one sentence."""
        left = [step for step in self.steps if not step.finished]
        if not left:
            return f"All {len(self.steps)} steps are finished."
        seconds = described(sum(step.seconds or 0.0 for step in left))
        unknown = [step.name for step in left if step.seconds is None]
        without = f", not counting {', '.join(unknown)}" if unknown else ""
        memory = max(step.memory or 0 for step in left)
        disk = sum(step.bytes or 0 for step in left)
        return (
            f"{len(left)} of {len(self.steps)} steps would run: {seconds}{without}, {memory / 1e9:.1f} GB of "
            f"memory, {disk / 1e9:.2f} GB of disk, of which {self.disk_free / 1e9:.1f} GB are free."
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return asdict(self)


def plan_recipe(options: RunOptions, progress: Progress | None = None) -> RecipePlan:
    """Say what a run of a recipe would do and take; nothing is written.

    Args:
        options: see `RunOptions`.
        progress: receives the notes of the commands' plans.

    Raises:
        RecipeError: the recipe is wrong, or the plan of a step is refused; the message names line and step.
    """
    recipe = read_recipe(options.recipe)
    done, jobs = _finished(recipe, options)
    asked = [_asked(step, done, jobs) for step in recipe.steps]
    answer: dict[str, Any] = {"steps": []}
    if any(not one["finished"] for one in asked):
        try:
            answer = ask({"ask": "plan", "steps": asked}, recipe.root, progress or Quiet())
        except Refused as error:
            name, _, text = str(error).partition(": ")
            step = next((one for one in recipe.steps if one.name == name), recipe.steps[0])
            raise recipe.error(step, text) from None
    forecasts = {one["name"]: one for one in answer["steps"]}
    steps = tuple(_step(recipe, step, done, jobs, forecasts.get(step.name, {})) for step in recipe.steps)
    free = shutil.disk_usage(
        next(p for p in (recipe.root / recipe.out).absolute().parents if p.exists())
    ).free
    return RecipePlan(recipe.path.name, str(recipe.out), steps, free)


def _finished(recipe: Recipe, options: RunOptions) -> tuple[dict[str, tuple[Job, Stamp]], dict[str, Job]]:
    """The steps that are finished, and what is known of those whose inputs are."""
    hashes = Hashes(recipe.root / recipe.cache)
    done: dict[str, tuple[Job, Stamp]] = {}
    jobs: dict[str, Job] = {}
    again, _ = chosen_steps(recipe, options)
    for step in recipe.steps:
        if any(name not in done for name in step.reads):
            continue
        job = jobs[step.name] = job_of(recipe, step, done, hashes)
        try:
            stamp = read_stamp(stamp_path(recipe, job))
        except VocabxError as error:
            raise recipe.error(step, str(error)) from None
        there = stamp is not None and (not stamp.files or (recipe.root / job.place).exists())
        if stamp is not None and there and stamp.steps == job.steps and step.name not in again:
            done[step.name] = (job, stamp)
    return done, jobs


def _asked(step: Step, done: Mapping[str, Any], jobs: Mapping[str, Job]) -> dict[str, Any]:
    place = str(jobs[step.name].place) if step.name in jobs else ""
    finished = step.name in done
    return {
        "name": step.name, "command": step.command, "values": dict(step.values), "finished": finished,
        "place": place,
    }  # fmt: skip


def _step(
    recipe: Recipe,
    step: Step,
    done: Mapping[str, tuple[Job, Stamp]],
    jobs: Mapping[str, Job],
    forecast: Mapping[str, Any],
) -> PlannedStep:
    if step.name in done:
        stamp = done[step.name][1]
        took = (stamp.seconds, stamp.memory, stamp.bytes, "")
        return PlannedStep(step.name, step.command, step.line, True, False, *took)
    place: Path | None = recipe.root / jobs[step.name].place if step.name in jobs else None
    begun = place is not None and unfinished_of(place).exists()
    takes = (forecast.get("seconds"), forecast.get("memory"), forecast.get("bytes"), forecast.get("what", ""))
    return PlannedStep(step.name, step.command, step.line, False, begun, *takes)
