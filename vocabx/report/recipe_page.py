"""The page of a recipe: the verdict first, then the figures of every step; one self-contained HTML file."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vocabx.report.templates import render_template
from vocabx.training.duration import described

_SPACE = "\u00a0"
# Whose verdict is that of the whole: what was measured last of the model, before what only made it.
_BY_WEIGHT = ("evaluate", "train", "extend", "transfer", "compare", "merge", "verify", "export", "push")


@dataclass(frozen=True)
class FinishedStep:
    """A finished step of a recipe.

    Attributes:
        name, command, line: as in the recipe.
        place: the directory of its result.
        ran: whether it ran now, and was not finished before.
        typed: its command as one would type it.
        verdict: what came out, in one sentence.
        figures: its numbers in words, by what they are.
        page: its own page, relative to the recipe's; "" for none.
        passed: whether everything holds that must hold.
        seconds: how long it took.
        memory: bytes at its peak; 0 if unknown.
        bytes: size of its result.
        finished: when, as ISO 8601.
    """

    name: str
    command: str
    line: int
    place: str
    ran: bool
    typed: str
    verdict: str
    figures: dict[str, str]
    page: str
    passed: bool
    seconds: float
    memory: int
    bytes: int
    finished: str


@dataclass(frozen=True)
class RecipeReport:
    """The numbers of a recipe.

    Attributes:
        version: of vocabx.
        recipe: name of its file.
        out: its directory.
        steps: those that are finished, in the order in which they ran.
        all: number of all steps.
    """

    version: str
    recipe: str
    out: str
    steps: tuple[FinishedStep, ...]
    all: int

    @property
    def passed(self) -> bool:
        """Whether everything holds that must hold, so far."""
        return all(step.passed for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, ready for JSON."""
        return {"verdict": recipe_verdict(self), "passed": self.passed, **asdict(self)}

    def readable(self, text: str) -> str:
        """A text with steps' names in place of their directories."""
        for step in self.steps:
            text = text.replace(step.place, step.name)
        return text

    def sentence(self, text: str) -> str:
        """A sentence with "the result of STEP" in place of its directory."""
        for step in self.steps:
            text = text.replace(step.place, f"the result of {step.name}")
        return text[:1].upper() + text[1:]


def recipe_verdict(report: RecipeReport) -> str:
    """What came out, in one sentence or two."""
    failed = [step for step in report.steps if not step.passed]
    if failed:
        name, command, why = failed[0].name, failed[0].command, report.sentence(failed[0].verdict)
        return f"Do not use this: {name} ({command}) FAILS. {why}"
    if not report.steps:
        return "Nothing is finished."
    heaviest = min(report.steps, key=lambda step: _BY_WEIGHT.index(step.command))
    last = [step for step in report.steps if step.command == heaviest.command][-1]
    left = report.all - len(report.steps)
    unfinished = f" {left} of {report.all} steps {'are' if left > 1 else 'is'} not finished." if left else ""
    return f"{report.sentence(last.verdict)}{unfinished}"


def render_recipe(report: RecipeReport) -> str:
    """The content of a recipe's report.html."""
    values = {
        "report": report,
        "verdict": recipe_verdict(report),
        "total": _total(report.steps),
        "has_model": any(step.command in ("extend", "transfer", "merge") for step in report.steps),
    }
    filters: dict[str, Callable[..., Any]] = {
        "duration": _duration,
        "size": _size,
        "count": "{:,}".format,
        "readable": report.readable,
        "sentence": report.sentence,
        "moment": _moment,
    }
    return render_template("recipe.html", values, filters)


def _total(steps: Sequence[FinishedStep]) -> dict[str, float]:
    return {
        "seconds": sum(step.seconds for step in steps),
        "memory": max((step.memory for step in steps), default=0),
        "bytes": sum(step.bytes for step in steps),
    }


def _duration(seconds: float) -> str:
    return described(seconds).removeprefix("about ").replace(" ", _SPACE)


def _moment(finished: str) -> str:
    return f"{finished[:16].replace('T', ' ')} UTC"


def _size(size: float) -> str:
    if size <= 0:
        return ""
    return f"{size / 1e9:.2f}{_SPACE}GB" if size >= 1e9 else f"{size / 1e6:,.1f}{_SPACE}MB"
