"""Help as typer prints it, with a type only where it tells the reader something."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command whose switches and arguments are listed without a type."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its arguments and options, --help among them."""
        return _without_types(super().get_params(ctx))


class Group(TyperGroup):
    """The same for the group of all commands, with its --version and completion."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options, --help among them."""
        return _without_types(super().get_params(ctx))


def _without_types(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            # <list[Path]> says less than the name of the argument and its help.
            parameter.display_type_rich = _no_type
        elif parameter.is_flag and parameter.metavar is None:
            # A switch takes no value: its type would be read as one to pass.
            parameter.metavar = ""
    return parameters


def _no_type(ctx: Any) -> None:
    return None
