"""Links in the directory of a recipe: each step's result under the step's name, and the finished model."""

import os
from collections.abc import Mapping
from pathlib import Path

from vocabx.commands.run.kinds import CHECKPOINT
from vocabx.commands.run.stamp import Job, Stamp, read_stamp
from vocabx.commands.run.step import MODEL, Recipe
from vocabx.errors import OutputError, VocabxError


def link_results(recipe: Recipe, done: Mapping[str, tuple[Job, Stamp]]) -> None:
    """Make the links of finished steps, in place of those of an earlier run.

    Raises:
        OutputError: something else has such a name.
    """
    out = recipe.root / recipe.out
    named = {name: job.place for name, (job, stamp) in done.items() if stamp.files}
    models = [job.place for job, _ in done.values() if job.step.makes == CHECKPOINT]
    for name, place in {**named, **({MODEL: models[-1]} if models else {})}.items():
        target = os.path.relpath((recipe.root / place).absolute(), out.absolute())
        link = out / name
        if link.is_symlink() and str(link.readlink()) == target:
            continue
        if link.exists() and not link.is_symlink():
            raise OutputError(f"{link} is in the way of a link of that name: move it away")
        part = out / f".{name}.link"
        part.unlink(missing_ok=True)
        part.symlink_to(target)
        part.replace(link)


def previous_stamp(recipe: Recipe, job: Job) -> Stamp | None:
    """The stamp of what the step made when it last ran with other options or files, None if it did not."""
    link = recipe.root / recipe.out / job.step.name
    if not link.is_symlink():
        return None
    place = Path(os.path.normpath(link.parent / link.readlink()))
    if place.name == job.place.name:
        return None
    try:
        return read_stamp(place.with_name(f"{place.name}.json"))
    except VocabxError:
        return None
