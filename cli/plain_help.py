"""Help as typer prints it, with a type only where it tells the reader something."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command whose switches and arguments are listed without a type, and whose options are given once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that takes one value and is given two, of which only the last would count."""
        parser: Any = self.make_parser(ctx)
        _, _, given = parser.parse_args(args=list(args))
        for option in given:
            single = option.param_type_name == "option" and not option.multiple and not option.is_flag
            if single and given.count(option) > 1:
                ctx.fail(f"{option.opts[0]} is given {given.count(option)} times: pass it once")
            switches = [name for name in (*option.opts, *option.secondary_opts) if name in args]
            if option.secondary_opts and len(switches) > 1:
                ctx.fail(f"{' and '.join(switches)} contradict each other: pass one of them")
        return super().parse_args(ctx, args)

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
