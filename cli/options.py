"""Commands generated from options classes: each field becomes an option with its help, panel and default."""

import dataclasses
import inspect
import io
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from vocabx._util.options import about, flag
from vocabx.errors import VocabxError
from vocabx.initializers.options import PANEL as INITIALIZATION

INTERRUPTED = 130
_EMPTY = inspect.Parameter.empty
# Shown first, in this order.
_FIRST = ("directory", "directories", "base", "tokenizer", "lang", "out")
# Fields that are no option on the command line.
_HIDDEN = ("command",)
_METAVARS = {int: "<integer>", float: "<number>", Path: "<path>", str: "<text>"}
_DRY_RUN = ("dry_run", "--dry-run", "Print what would be done, and stop.")
_QUIET = ("quiet", "--quiet", "Print nothing but errors, and what --json prints.")
_JSON = ("as_json", "--json", "Print one JSON object on standard output.")


class Interrupted(VocabxError):
    """The work was interrupted; the message says how to resume it."""

    exit_code = INTERRUPTED


def command(
    kind: type[Any],
    *,
    out: str = "",
    arguments: tuple[str, ...] = ("directory",),
    required: tuple[str, ...] = (),
    dry_run: bool = False,
    hidden: tuple[str, ...] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Turn a function of an instance of `kind`, `quiet`, `as_json` and perhaps `dry_run` into a command.

    Args:
        kind: an options class; see `vocabx._util.options`.
        out: default of --out, a format string that may use {base}, {lang} or {directory}; "" for the default
            in `kind`.
        arguments: fields that become positional arguments; names that `kind` lacks are ignored.
        required: options that must be given.
        dry_run: whether the command has --dry-run.
        hidden: fields that are not options of this command.
    """
    flags = (_DRY_RUN, _QUIET, _JSON) if dry_run else (_QUIET, _JSON)
    types = get_type_hints(kind)
    fields = [one for one in dataclasses.fields(kind) if one.name not in (*hidden, *_HIDDEN)]
    takes_command = any(one.name == "command" for one in dataclasses.fields(kind))
    parameters = [
        _parameter(one, types[one.name], out, one.name in arguments, one.name in required)
        for one in sorted(fields, key=_order)
    ]
    parameters += [_switch(*one) for one in flags]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            extra = {name: given.pop(name) for name, _, _ in flags}
            if out and given["out"] is None:
                given["out"] = Path(out.format_map(_named(given)))
            values = {name: _read(value, types[name]) for name, value in given.items() if value is not None}
            if takes_command:
                values["command"] = shlex.join(["vocabx", *sys.argv[1:]])
            silent = extra["quiet"] and not extra["as_json"]
            try:
                with redirect_stdout(io.StringIO()) if silent else nullcontext():
                    function(kind(**values), **extra)
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
    """The values that the default of --out may be formatted with."""
    named = {**given, "base": Path(given.get("base") or "smollm2").name}
    if "lang" in given:
        # Of several languages, as smollm2-hi-ta-bn.
        named["lang"] = "-".join(tag.strip() for tag in (given["lang"] or "").split(","))
    if "directory" in given:
        named["directory"] = str(given["directory"]).rstrip("/")
    return named


def _read(given: Any, wanted: Any) -> Any:
    """A value converted to its type; text that cannot be converted stays, for the options class to refuse."""
    if isinstance(given, list):
        return tuple(given)
    if not isinstance(given, str) or not {int, float} & {wanted, *get_args(wanted)}:
        return given
    for kind in (int, float):
        try:
            return kind(given)
        except ValueError:
            continue
    return given


def _order(one: Any) -> int:
    if one.name in _FIRST:
        return _FIRST.index(one.name)
    return len(_FIRST) + (about(one).panel == INITIALIZATION)


def _parameter(one: Any, kind: Any, out: str, argument: bool, required: bool) -> inspect.Parameter:
    name, text, panel = one.name, about(one).help, about(one).panel or None
    kinds = tuple(part for part in _parts(kind) if part is not NoneType)
    listed = get_origin(kind) is tuple
    if argument:
        read: Any = list[Path] if listed else kind
        return _keyword(name, Annotated[read, typer.Argument(help=text)], _EMPTY)
    if kinds == (bool,):
        # What is off by default has no opposite; what is on, or on where it can be, needs one.
        spelled = flag(name) if one.default is False else None
        names = (spelled,) if spelled else (f"{flag(name)}/{flag(f'no_{name}')}",)
        shown = one.default is True
        option = typer.Option(*names, help=text, rich_help_panel=panel, show_default=shown)
        return _keyword(name, Annotated[kind, option], one.default)
    if name == "out" and out:
        text = f"{text} Default: {out.format(base='BASE', lang='LANG', directory='DIRECTORY')}."
    elif one.default not in (None, "", (), Path()) and not required:
        # A list without spaces could not be folded.
        text = f"{text} Default: {str(one.default).replace(',', ', ')}."
    metavar = _metavar(one, kinds)
    option = typer.Option(flag(name), help=text, metavar=metavar, rich_help_panel=panel, show_default=False)
    read = list[str] if listed else str
    if required:
        return _keyword(name, Annotated[read, option], _EMPTY)
    return _keyword(name, Annotated[read | None, option], None)


def _parts(kind: Any) -> tuple[Any, ...]:
    """The members of a union, or the type itself."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _metavar(one: Any, kinds: tuple[Any, ...]) -> str:
    if about(one).metavar:
        return about(one).metavar
    if get_origin(kinds[0]) is Literal:
        number = ("<number>",) if float in kinds else ()
        return "|".join((*map(str, get_args(kinds[0])), *number))
    return _METAVARS.get(kinds[0], "<text>")


def _switch(name: str, switch: str, text: str) -> inspect.Parameter:
    """A switch without a negative form: --json, but no --no-json."""
    return _keyword(name, Annotated[bool, typer.Option(switch, help=text)], False)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
