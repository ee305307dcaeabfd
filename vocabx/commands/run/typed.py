"""A step as one would type it."""

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from vocabx._util.options import flag
from vocabx.commands.run.kinds import KINDS, options_class


def typed(command: str, values: Mapping[str, Any]) -> str:
    """The command line of a step.

    Args:
        command: the command.
        values: its options, as plain data.
    """
    defaults = {one.name: one.default for one in fields(options_class(command))}
    takes = KINDS[command].takes
    words = ["vocabx", command]
    if takes != "base":
        given = values.get(takes, ())
        words += map(str, given if isinstance(given, list | tuple) else [given])
    for name, value in values.items():
        if name in (takes if takes != "base" else "", "command", "resume", "force") or value is None:
            continue
        if isinstance(value, bool):
            if value != bool(defaults[name]) or defaults[name] is None:
                words.append(flag(name) if value else flag(f"no_{name}"))
            continue
        for part in value if isinstance(value, list | tuple) else [value]:
            words += [flag(name), str(part)]
    return shlex.join(words)
