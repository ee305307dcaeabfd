"""Options on the command line, made of the fields of an options class: name, type, default and help."""

import dataclasses
import inspect
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from vocabx.errors import VocabxError
from vocabx.options import PlacingOptions

INTERRUPTED = 130
_EMPTY = inspect.Parameter.empty
# What the command line shows in place of a type.
_METAVARS = {
    "corpus": "<path>",
    "base_text": "<path>",
    "protect": "<path>",
    "donor": "<path>",
    "source_vectors": "<path>",
    "target_vectors": "<path>",
    "shared_vectors": "<path>",
    "intermediates": "buy|drop",
    "pretokenizer": "keep|adapt",
    "fallback": "draw|pieces",
    "push_to_hub": "<owner/name>",
    "replay": "<path>",
    "branch_from": "<run>",
    "report_to": "<names>",
    "onto": "trained|original",
}
# Shown first, in this order; how tokens are placed is shown last.
_FIRST = ("directory", "base", "tokenizer", "lang", "out")
_LAST = tuple(field.name for field in dataclasses.fields(PlacingOptions))
_REQUIRED = ("lang", "tokenizer")
_DRY_RUN = ("dry_run", "--dry-run", "Say what would be done, and stop.")
_JSON = ("as_json", "--json", "Print one JSON object on standard output.")


class Interrupted(VocabxError):
    """The work was stopped, and something is left to go on with, which its text says."""

    exit_code = INTERRUPTED


def command(
    kind: type[Any], out: str, *, dry_run: bool = True, hidden: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function that takes an instance of `kind`, `as_json`, and perhaps `dry_run`.

    Args:
        kind: a frozen dataclass whose fields have their help in their metadata; a field `directory` is an
            argument.
        out: where the result goes by default, with the fields {base}, {lang} or {directory} in it.
        dry_run: whether the command has --dry-run.
        hidden: fields that are no option of this command.
    """
    flags = (_DRY_RUN, _JSON) if dry_run else (_JSON,)
    types = get_type_hints(kind)
    fields = [f for f in dataclasses.fields(kind) if f.name not in (*hidden, "command")]
    parameters = [_parameter(field, types[field.name], out) for field in sorted(fields, key=_place)]
    parameters += [_flag(*flag) for flag in flags]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            extra = {name: given.pop(name) for name, _, _ in flags}
            if given["out"] is None:
                given["out"] = Path(out.format_map(_named(given)))
            values = {name: _value(value) for name, value in given.items() if value is not None}
            options = kind(**values, command=shlex.join(["vocabx", *sys.argv[1:]]))
            try:
                function(options, **extra)
            except KeyboardInterrupt as error:
                if notes := getattr(error, "__notes__", ()):
                    raise Interrupted("; ".join(notes)) from None
                raise

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        return run

    return decorate


def _named(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the default place of a result can be made of."""
    named = {**given, "base": Path(given.get("base") or "").name}
    if "directory" in given:
        named["directory"] = str(given["directory"]).rstrip("/")
    return named


def _value(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given


def _place(field: Any) -> int:
    if field.name in _FIRST:
        return _FIRST.index(field.name)
    return len(_FIRST) + (1 + _LAST.index(field.name) if field.name in _LAST else 0)


def _parameter(field: Any, kind: Any, out: str) -> inspect.Parameter:
    name, text = field.name, field.metadata["help"]
    if name in _REQUIRED:
        return _keyword(name, Annotated[str, typer.Option(help=text)], _EMPTY)
    if name == "directory":
        return _keyword(name, Annotated[Path, typer.Argument(help=text, metavar="<directory>")], _EMPTY)
    if name == "out":
        shown = out.format(base="BASE", lang="LANG", directory="DIRECTORY")
        return _keyword(name, Annotated[Path | None, typer.Option(help=f"{text} Default: {shown}.")], None)
    if kind is bool and field.default is False:
        return _flag(name, f"--{name.replace('_', '-')}", text)
    if kind == tuple[str, ...]:
        kind, default = list[str] | None, None
    else:
        default = field.default
    option = typer.Option(help=text, metavar=_METAVARS.get(name), show_default=default not in (None, ""))
    return _keyword(name, Annotated[kind, option], default)


def _flag(name: str, spelled: str, text: str) -> inspect.Parameter:
    """A switch without its opposite: --json, and no --no-json."""
    return _keyword(name, Annotated[bool, typer.Option(spelled, help=text)], False)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
