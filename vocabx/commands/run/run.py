"""The story of `vocabx run`: read the recipe, run what is not finished, write one page about all of it."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vocabx._util.version import VERSION
from vocabx.checkpoint.journal import lock
from vocabx.checkpoint.leftovers import alone
from vocabx.commands.run.chosen import chosen_steps
from vocabx.commands.run.found import found_told
from vocabx.commands.run.hashes import Hashes
from vocabx.commands.run.kinds import options_class
from vocabx.commands.run.links import link_results, previous_stamp
from vocabx.commands.run.options import RunOptions
from vocabx.commands.run.process import Refused, ask
from vocabx.commands.run.recipe import read_recipe
from vocabx.commands.run.stamp import (
    Job,
    Stamp,
    Told,
    changed_file,
    difference,
    job_of,
    learned_place,
    read_stamp,
    stamp_path,
    states,
)
from vocabx.commands.run.step import Recipe, Step, placed
from vocabx.commands.run.typed import typed
from vocabx.errors import OutputError, RecipeError, VocabxError
from vocabx.progress import Progress, Quiet
from vocabx.report.recipe_page import FinishedStep, RecipeReport, render_recipe

PAGE, LOCK = "report.html", ".lock"


@dataclass(frozen=True)
class RunResult:
    """How a recipe ended.

    Attributes:
        directory: of its page and the links to its results.
        report: the verdict, and the figures of every finished step.
    """

    directory: Path
    report: RecipeReport

    @property
    def passed(self) -> bool:
        """Whether everything holds that must hold."""
        return self.report.passed

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {"out": str(self.directory), **self.report.to_dict()}


def run(options: RunOptions, progress: Progress | None = None) -> RunResult:
    """Run the steps of a recipe that are not finished, each as the command it names.

    A step is finished if its result is there and nothing that it read has changed: its options, the content
    of files, the results of other steps, the version of vocabx. Results lie beside each other in a directory
    that recipes share, so that one step of two recipes runs once. An unfinished one is resumed.

    Args:
        options: see `RunOptions`.
        progress: receives the stages of each step; by default nothing is shown.

    Raises:
        RecipeError: the recipe is wrong, or a step failed; the message names the line and the step.
        KeyboardInterrupt: it was interrupted; its notes say that the same command goes on.
    """
    progress = progress or Quiet()
    recipe = read_recipe(options.recipe)
    again, allowed = chosen_steps(recipe, options)
    with _directory(recipe):
        return _Run(recipe, again, allowed, progress).run()


@contextmanager
def _directory(recipe: Recipe) -> Iterator[None]:
    """Make both directories of a recipe, and keep another run out of its own."""
    out = recipe.root / recipe.out
    try:
        for path in (out, recipe.root / recipe.cache):
            path.mkdir(parents=True, exist_ok=True)
        stream = (out / LOCK).open("a+")
    except OSError as error:
        text = f"{error.filename} cannot be used: {error.strerror}; pass another out"
        raise placed(recipe.path, recipe.out_line, "", text) from None
    with stream:
        if not lock(stream):
            text = f"another run is working in {recipe.out}: wait for it, or pass another out"
            raise placed(recipe.path, recipe.out_line, "", text)
        yield


class _Run:
    """One run of a recipe."""

    def __init__(self, recipe: Recipe, again: set[str], allowed: set[str], progress: Progress) -> None:
        self._recipe, self._again, self._allowed, self._progress = recipe, again, allowed, progress
        self._hashes = Hashes(recipe.root / recipe.cache)
        self._done: dict[str, tuple[Job, Stamp]] = {}
        self._ran: set[str] = set()

    def run(self) -> RunResult:
        """Run what is not finished, in order, and write the page."""
        try:
            self._steps()
        finally:
            self._hashes.write()
        return self._report()

    def _steps(self) -> None:
        for step in self._recipe.steps:
            if any(name not in self._done for name in step.reads):
                self._refuse(step)
                continue
            job = job_of(self._recipe, step, self._done, self._hashes)
            stamp = self._finished(job)
            if stamp is None or step.name in self._again:
                if step.name not in self._allowed:
                    self._refuse(step)
                    continue
                stamp = self._make(job)
            self._done[step.name] = (job, stamp)
            try:
                link_results(self._recipe, self._done)
            except OutputError as error:
                raise self._recipe.error(step, str(error)) from None
            if not stamp.told.passed:
                break

    def _refuse(self, step: Step) -> None:
        """Refuse to go on without a step if one that runs reads it; others may be missing."""
        reader = next(
            (one for one in self._recipe.steps if step.name in one.reads and one.name in self._allowed), None
        )
        if reader is not None:
            text = f"it reads {step.name}, which is not finished: run {step.name} first"
            raise self._recipe.error(reader, text)

    def _finished(self, job: Job) -> Stamp | None:
        """The stamp of a step that is finished, None for one that is to run."""
        recipe, place = self._recipe, self._recipe.root / job.place
        try:
            stamp = read_stamp(stamp_path(recipe, job))
        except VocabxError as error:
            raise recipe.error(job.step, str(error)) from None
        if stamp is None or stamp.steps != job.steps or (stamp.files and not place.exists()):
            return None
        path = changed_file(place, stamp, self._hashes)
        if path is None:
            return stamp
        raise recipe.error(
            job.step,
            f"{path} was changed after the step had finished: restore it, or remove {place} to make it again",
        )

    def _make(self, job: Job) -> Stamp:
        recipe, step = self._recipe, job.step
        place = recipe.root / job.place
        waiting = f"Waiting for another run, which makes {job.place}."
        with alone(place, lambda: self._progress.note(waiting)) as stream:
            # Whoever was waited for may have finished it.
            stamp = self._finished(job)
            if stamp is not None and step.name not in self._again:
                return stamp
            self._say(job)
            try:
                stamp = self._stamped(job, stream.fileno())
            except Refused as error:
                # What the commands say for themselves, the run does.
                said = str(error).replace("the same command with --resume", "the same recipe")
                failed = recipe.error(step, said)
                failed.exit_code = error.exit_code
                raise failed from None
            except RecipeError as error:
                raise recipe.error(step, str(error)) from None
            except KeyboardInterrupt as error:
                error.add_note(f"step {step.name} stopped; the same command continues it")
                raise
        return stamp

    def _say(self, job: Job) -> None:
        number = [step.name for step in self._recipe.steps].index(job.step.name) + 1
        before = previous_stamp(self._recipe, job)
        changed = difference(before.options, job.options) if before is not None else ""
        version = (
            f"version of vocabx, {before.version}" if before is not None and before.version != VERSION else ""
        )
        why = ", ".join(filter(None, (changed, version)))
        self._progress.note(
            f"Step {number} of {len(self._recipe.steps)}, line {job.step.line}, {job.step.name}"
            + (f"; since it last ran, other: {why}." if why else ".")
        )

    def _stamped(self, job: Job, held: int) -> Stamp:
        recipe, command = self._recipe, job.step.command
        place = recipe.root / job.place
        begun, before = time.monotonic(), _seconds_before(place)
        options = self._options(job)
        path = stamp_path(recipe, job)
        old = path.with_name(f"{place.name}.old.json")
        if path.exists():
            # What is there already is not taken for what is made now, should this be stopped.
            path.replace(old)
        told, memory, interrupted = None, 0, False
        if place.is_dir() and not old.exists():
            # It was stopped between its last file and its stamp.
            told = found_told(command, place)
        if told is None:
            if job.step.kind.files:
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
            try:
                answer = ask(
                    {
                        "ask": "run", "command": command, "options": options,
                        "learned_at": "" if job.step.name in self._again else learned_place(recipe, job),
                    },
                    recipe.root, self._progress, held,
                )  # fmt: skip
            except BaseException:
                _write_seconds(place, before + time.monotonic() - begun)
                raise
            if "stopped" in answer:
                _write_seconds(place, before + time.monotonic() - begun)
                raise RecipeError(f"{answer['stopped']}: run the recipe again to go on")
            told, memory, interrupted = Told(**answer["told"]), answer["memory"], answer["interrupted"]
        stamp = Stamp(
            VERSION, typed(command, options), dict(job.options), dict(job.steps), states(place, self._hashes),
            told, round(before + time.monotonic() - begun, 3), memory,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip
        self._require_same_inputs(job)
        stamp.write(path)
        for left in (old, _seconds_path(place)):
            left.unlink(missing_ok=True)
        self._ran.add(job.step.name)
        if interrupted:
            raise KeyboardInterrupt
        return stamp

    def _options(self, job: Job) -> dict[str, Any]:
        """The options for its command: with what the run decides."""
        names = {*options_class(job.step.command).__dataclass_fields__}
        decided: dict[str, Any] = {"resume": True} if "resume" in names else {}
        if "force" in names:
            # Only what a run has put there: nothing else lies under that name.
            decided["force"] = (self._recipe.root / job.place).exists()
        given = {**job.values, **decided}
        return given | ({"command": typed(job.step.command, given)} if "command" in names else {})

    def _require_same_inputs(self, job: Job) -> None:
        """Refuse to stamp a step whose files were changed while it read them."""
        again = job_of(self._recipe, job.step, self._done, self._hashes)
        if again.key != job.key:
            changed = difference(job.options, again.options)
            raise RecipeError(f"what {changed} names changed while the step read it: run the recipe again")

    def _report(self) -> RunResult:
        recipe = self._recipe
        finished = tuple(
            FinishedStep(
                name=name,
                command=job.step.command,
                line=job.step.line,
                place=str(job.place),
                ran=name in self._ran,
                typed=stamp.command,
                verdict=stamp.told.verdict,
                figures=stamp.told.figures,
                page=f"{name}/{stamp.told.page}" if stamp.told.page else "",
                passed=stamp.told.passed,
                seconds=stamp.seconds,
                memory=stamp.memory,
                bytes=stamp.bytes,
                finished=stamp.finished,
            )
            for name, (job, stamp) in self._done.items()
        )
        report = RecipeReport(VERSION, recipe.path.name, str(recipe.out), finished, len(recipe.steps))
        out = recipe.root / recipe.out
        part = out / f".{PAGE}.part"
        part.write_text(render_recipe(report), encoding="utf-8")
        part.replace(out / PAGE)
        return RunResult(out, report)


def _seconds_path(place: Path) -> Path:
    return place.with_name(f"{place.name}.seconds")


def _seconds_before(place: Path) -> float:
    """What earlier tries of a step took, as far as they could say so."""
    try:
        return float(_seconds_path(place).read_text())
    except (OSError, ValueError):
        return 0.0


def _write_seconds(place: Path, seconds: float) -> None:
    _seconds_path(place).write_text(f"{seconds:.3f}")
