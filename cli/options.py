"""Options on the command line, made of the fields of an options class: their names, types, defaults and help."""

import dataclasses
import inspect
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

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
}
# Shown first, in this order, and required where they have no default.
_FIRST = ("base", "tokenizer", "lang", "out", "init")
_REQUIRED = ("lang", "tokenizer")
_DRY_RUN = ("dry_run", "Say what would be done, and stop.")
_JSON = ("as_json", "Print one JSON object on standard output.")


def command(
    kind: type[Any], out: str, *, dry_run: bool = True, hidden: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function that takes an instance of `kind`, `as_json`, and `dry_run` if there is one.

    Args:
        kind: a frozen dataclass whose fields have their help in their metadata.
        out: where the result goes by default, with {base} and {lang} in it.
        dry_run: whether the command has --dry-run.
        hidden: fields that are no option of this command.
    """
    types = get_type_hints(kind)
    fields = [f for f in dataclasses.fields(kind) if f.name not in (*hidden, "command")]
    fields.sort(key=lambda f: _FIRST.index(f.name) if f.name in _FIRST else len(_FIRST))

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            extra = {name: given.pop(name) for name, _ in flags}
            values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
            if values["out"] is None:
                base = Path(values["base"]).name
                values["out"] = Path(out.format(base=base, lang=values["lang"]))
            values = {name: value for name, value in values.items() if value is not None}
            function(kind(**values, command=shlex.join(["vocabx", *sys.argv[1:]])), **extra)

        flags = [_DRY_RUN, _JSON] if dry_run else [_JSON]
        parameters = [_parameter(field, types[field.name], out) for field in fields]
        parameters += [_flag(name, "--json" if name == "as_json" else "--dry-run", text) for name, text in flags]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        return run

    return decorate


def _parameter(field: Any, kind: Any, out: str) -> inspect.Parameter:
    name, text = field.name, field.metadata["help"]
    if name in _REQUIRED:
        return _keyword(name, Annotated[str, typer.Option(help=text)], inspect.Parameter.empty)
    if name == "out":
        shown = out.format(base="BASE", lang="LANG")
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
