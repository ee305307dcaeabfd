"""A command line with other options: what to type next, from what was typed."""

import shlex
from collections.abc import Collection, Mapping


def option_of(command: str, name: str) -> str:
    """The value of an option in a recorded command line, "" where it is not given."""
    words = _words(command)
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return ""


def changed_command(
    command: str,
    changes: Mapping[str, str | None],
    without: Collection[str] = (),
    switches: Collection[str] = (),
) -> str:
    """A recorded command line with some options changed.

    Args:
        command: as `shlex.join` wrote it.
        changes: values by option, such as {"--init": "distill"}; None for a switch, which has no value.
        without: options to leave out, with their values.
        switches: switches to leave out.
    """
    alone = {*switches, *(name for name, value in changes.items() if value is None)}
    dropped = {*changes, *without, *switches}
    words, kept = _words(command), []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word.partition("=")[0] not in dropped:
            kept.append(word)
        elif "=" not in word and word not in alone:
            position += 1
    for name, value in changes.items():
        kept += [name] if value is None else [name, value]
    return shlex.join(kept)


def _words(command: str) -> list[str]:
    """The words of a command line; from Python, it may be anything."""
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
