"""Options of a command as frozen dataclasses that validate themselves, with a one-line error.

msgspec checks types and bounds: one small package that validates plain dataclasses and loads in milliseconds;
it also reads our JSON files. The command line is generated from the same fields.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

import msgspec

from vocabx._util.paths import fits_a_name, is_recordable
from vocabx._util.shorten import shortened
from vocabx._util.suggest import nearest
from vocabx.errors import OptionError

Kind = TypeVar("Kind", bound=type)
# A long value would otherwise fill the screen.
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class About:
    """An option's metadata besides its type and default.

    Attributes:
        help: one or two sentences for people.
        panel: the heading that --help lists it under.
        metavar: what --help shows in place of the type, or "".
        bounds: of a number, with msgspec's names: ge, gt, le, lt.
        most: a number that no machine can meet a larger one than, which only those are told who pass one.
    """

    help: str
    panel: str
    metavar: str
    bounds: Mapping[str, float]
    most: float | None = None


def option(
    help: str,
    *,
    default: Any = MISSING,
    panel: str = "",
    metavar: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    most: float | None = None,
) -> Any:
    """A field of an options class: its help, its default, and the bounds of a number."""
    bounds = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return field(default=default, metadata={"about": About(help, panel, metavar, given, most)})


def about(options_field: Any) -> About:
    """The metadata that `option` stored for a field."""
    found: About = options_field.metadata["about"]
    return found


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def options(kind: Kind) -> Kind:
    """Make a frozen dataclass of a class of options, whose instances contain only valid values.

    A single string or path is accepted for a list, and strings and paths for each other. `check`, where the
    class has one, is called on an instance with valid fields and raises `OptionError` where they contradict
    each other.

    Raises:
        OptionError: on creating an instance with a value of the wrong type, a number out of bounds, or an
            unknown name; the message says which and what to pass.
    """
    made: Any = dataclass(frozen=True, kw_only=True)(kind)
    plain = made.__init__

    def __init__(self: Any, *arguments: Any, **given: Any) -> None:
        _check_names(made, arguments, given)
        plain(self, **given)
        for one in fields(made):
            object.__setattr__(self, one.name, _fitted(made, one, getattr(self, one.name)))
        if hasattr(self, "check"):
            self.check()

    __init__.__wrapped__ = plain  # type: ignore[attr-defined]
    made.__init__ = __init__
    return made  # type: ignore[no-any-return]


def flag(name: str) -> str:
    """The command-line form of an option: --new-tokens for new_tokens."""
    return f"--{name.rstrip('_').replace('_', '-')}"


def _check_names(kind: Any, arguments: tuple[Any, ...], given: Mapping[str, Any]) -> None:
    known = {one.name for one in fields(kind)}
    if arguments:
        raise OptionError(f"{kind.__name__} takes its options by name, as {kind.__name__}({min(known)}=…)")
    for name in given:
        if name not in known:
            raise OptionError(
                f"{kind.__name__} has no option {name[:_LONGEST_SHOWN]!r}.{nearest(name, known)}"
            )
    required = [one.name for one in fields(kind) if one.default is MISSING and one.name not in given]
    if required:
        raise OptionError(
            f"{kind.__name__} needs {' and '.join(required)}: pass {'them' if required[1:] else 'it'}"
        )


def _fitted(kind: Any, one: Any, value: Any) -> Any:
    """The value of a field, converted to its type.

    Raises:
        OptionError: the value is invalid.
    """
    wanted = _types(kind)[one.name]
    bounds, most = about(one).bounds, about(one).most
    whole = bounds if most is None else {**bounds, "le": most}
    # The command line itself is only recorded.
    long = one.name != "command" and _is_long(value)
    try:
        found = msgspec.convert(_plain(value, wanted), _bounded(wanted, whole), dec_hook=_path)
        fits = _is_sound(found)
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError):
        fits = False
    if long:
        raise OptionError(f"{flag(one.name)} is {_shown(value)}: pass a shorter one, no file has such a name")
    if not fits:
        if most is not None and isinstance(value, int | float) and value > most:
            bounds = whole
        raise OptionError(f"{flag(one.name)} is {_shown(value)}: pass {_expected(wanted, bounds)}")
    return found


@cache
def _types(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _bounded(wanted: Any, bounds: Mapping[str, float]) -> Any:
    if not bounds:
        return wanted
    number: Any = next(one for one in (wanted, *get_args(wanted)) if one in (int, float))
    meta: Any = msgspec.Meta
    found: Any = Annotated[number, meta(**bounds)]
    for other in get_args(wanted):
        found = found if other is number else found | other
    return found


def _plain(value: Any, wanted: Any) -> Any:
    """Convert paths to strings, and a single value for a list to a list."""
    if get_origin(wanted) is tuple:
        alone = isinstance(value, str | os.PathLike)
        # msgspec would take a set too, which has no order.
        if not alone and not isinstance(value, list | tuple):
            raise TypeError
        return [
            os.fspath(part) if isinstance(part, os.PathLike) else part
            for part in ([value] if alone else value)
        ]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError


def _is_sound(value: Any) -> bool:
    """Whether numbers are finite, and strings are UTF-8 without a null character."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, tuple):
        return all(map(_is_sound, value))
    return is_recordable(str(value)) if isinstance(value, str | Path) else True


def _is_long(value: Any) -> bool:
    """Whether a string or path, or one in a list, is longer than the name of a file can be."""
    if isinstance(value, list | tuple):
        return any(map(_is_long, value))
    return isinstance(value, str | Path) and not fits_a_name(str(value))


def _shown(value: Any) -> str:
    shown = ascii(value) if not isinstance(value, str | Path) else repr(str(value))
    return shortened(shown, _LONGEST_SHOWN)


def _expected(wanted: Any, bounds: Mapping[str, float]) -> str:
    choices = [str(choice) for one in (wanted, *get_args(wanted)) for choice in _choices(one)]
    kinds = get_args(wanted) if get_origin(wanted) is not tuple else ()
    kinds = kinds or (wanted,)
    if choices and int in kinds:
        return f"a whole number{_range(bounds)}, or {' or '.join(choices)}"
    if choices and float in kinds:
        choices.append(f"a number{_range(bounds)}")
    if choices:
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    if bool in kinds:
        return "true or false"
    if int in kinds or float in kinds:
        return f"{'a number' if float in kinds else 'a whole number'}{_range(bounds)}"
    if Path in kinds:
        return "a path"
    return "a string or a list of strings" if get_origin(wanted) is tuple else "a string"


def _choices(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _range(bounds: Mapping[str, float]) -> str:
    words: tuple[tuple[str, str, Callable[[float], str]], ...] = (
        ("ge", "from", _number),
        ("gt", "above", _number),
        ("le", "to" if "ge" in bounds else "at most", _number),
        ("lt", "below", _number),
    )
    if set(bounds) == {"ge"}:
        return f" of at least {_number(bounds['ge'])}"
    parts = [f"{word} {write(bounds[name])}" for name, word, write in words if name in bounds]
    joined = " and ".join(parts) if "gt" in bounds or "lt" in bounds else " ".join(parts)
    return f" {joined}" if parts else ""


def _number(value: float) -> str:
    return f"{value:,}" if value < 2**31 else str(value)


def help_of(kind: type[Any], name: str) -> str:
    """The help text of one option."""
    return about(next(one for one in fields(kind) if one.name == name)).help
