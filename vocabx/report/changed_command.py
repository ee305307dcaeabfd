"""A command line with other options: what to type next, from what was typed."""

import shlex
from collections.abc import Collection, Mapping


def changed_command(command: str, changes: Mapping[str, str | None], without: Collection[str] = ()) -> str:
    """A recorded command line with some options changed.

    Args:
        command: as `shlex.join` wrote it.
        changes: values by option, such as {"--init": "distill"}; None for a switch without a value.
        without: options to leave out, with their values; each must be one that takes a value if the word
            after it begins with no dash.
    """
    dropped = {*changes, *without}
    words, kept = shlex.split(command), []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word.partition("=")[0] not in dropped:
            kept.append(word)
        elif "=" not in word and position < len(words) and not words[position].startswith("-"):
            position += 1
    for name, value in changes.items():
        kept += [name] if value is None else [name, value]
    return shlex.join(kept)
