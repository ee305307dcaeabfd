"""What the steps of a recipe share, and which of them reads the result of which."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from vocabx._util.options import about
from vocabx.commands._options import TEXT
from vocabx.commands.run.kinds import CHECKPOINT, TRAINED, option_names, options_class
from vocabx.commands.run.step import Step, named
from vocabx.errors import RecipeError

# The steps that [text] is for.
_READ_TEXT = ("compare", "extend", "transfer", "train")
Refusal = Callable[[Step, str], RecipeError]


def shared_names(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The options that [text] may give: those about text of the steps that learn or train."""
    found = [
        one.name
        for command in dict.fromkeys(step.command for step in steps if step.command in _READ_TEXT)
        for one in fields(options_class(command))
        if one.name != "command" and about(one).panel == TEXT
    ]
    return tuple(dict.fromkeys(found))


def filled(step: Step, above: Mapping[str, Any], shared: Mapping[str, Any]) -> Step:
    """A step with the options that it shares with others and does not give itself."""
    known = option_names(step.command)
    more: dict[str, Any] = {}
    if step.kind.takes == "base":
        more |= {name: above[name] for name in ("base", "lang") if name in above}
    # Who names a text of its own means that one, and not its neighbours' fields and conversions.
    if step.command in _READ_TEXT and "corpus" not in step.values:
        more |= {name: value for name, value in shared.items() if name in known}
    return replace(step, values={**more, **step.values})


def wired(steps: tuple[Step, ...], error: Refusal) -> tuple[Step, ...]:
    """The steps, each with the result above it as what it reads, unless it says what that is."""
    found: list[Step] = []
    for step in steps:
        values = {**step.values, **_input(step, found, error)}
        reads = tuple(dict.fromkeys(name for value in values.values() for name in named(value)))
        found.append(replace(step, values=values, reads=reads))
    return tuple(found)


def _input(step: Step, above: list[Step], error: Refusal) -> dict[str, Any]:
    kind = step.kind
    if kind.takes in step.lines:
        return {}
    if kind.takes == "base":
        # A further language extends the result of the one before.
        last = next((one.name for one in reversed(above) if one.makes == CHECKPOINT), None)
        return {} if last is None else {kind.takes: f"{{{last}}}"}
    if kind.takes == "directories":
        models = _latest_models(above)
        if not models:
            raise error(step, f"{step.command} reads checkpoints, and no step above makes one")
        return {kind.takes: [f"{{{name}}}" for name in models]}
    last_step = next((one for one in reversed(above) if one.makes), None)
    wanted = " or ".join(kind.wants)
    if last_step is None:
        raise error(step, f"{step.command} reads a {wanted}, and no step above makes one: pass {kind.takes}")
    if last_step.makes not in kind.wants:
        between = ": put a merge between them" if last_step.makes == TRAINED else f": pass {kind.takes}"
        raise error(
            step, f"{step.command} reads a {wanted}, and {last_step.name} makes a {last_step.makes}{between}"
        )
    return {kind.takes: f"{{{last_step.name}}}"}


def _latest_models(above: list[Step]) -> list[str]:
    """The checkpoints of the latest language: its extension, and what was made of it."""
    found: list[str] = []
    for step in above:
        if step.makes == CHECKPOINT:
            found = [step.name] if step.kind.takes == "base" else [*found, step.name]
    return found
