"""The commands that may be steps: what each reads of an earlier step, and what it makes.

Their options are those of the commands themselves.
"""

from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

CHECKPOINT, TOKENIZER, TRAINED = "checkpoint", "tokenizer", "training run"


@dataclass(frozen=True)
class Kind:
    """A command as a step.

    Attributes:
        takes: the option that names what it reads.
        wants: what that may be of the results of other steps.
        makes: what it makes that another step can read; "" for nothing.
        out: whether it has the option --out.
        needs: options that have no default.
        files: options that name a file which it writes, and which lies in the directory of its result.
    """

    takes: str
    wants: tuple[str, ...]
    makes: str
    out: bool = True
    needs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


_EXPORTS = ("gguf", "tiktoken", "ctranslate2", "dense")

KINDS = {
    "compare": Kind("base", (CHECKPOINT,), "", needs=("lang",)),
    "extend": Kind("base", (CHECKPOINT,), CHECKPOINT, needs=("lang",)),
    "transfer": Kind("base", (CHECKPOINT,), CHECKPOINT, needs=("lang", "tokenizer")),
    "train": Kind("directory", (CHECKPOINT,), TRAINED),
    "merge": Kind("directory", (TRAINED,), CHECKPOINT),
    "evaluate": Kind("directories", (CHECKPOINT,), ""),
    "verify": Kind("directory", (CHECKPOINT, TOKENIZER), "", out=False),
    "export": Kind("directory", (CHECKPOINT,), "", out=False, files=_EXPORTS),
    "push": Kind("directory", (CHECKPOINT, TOKENIZER), "", out=False, needs=("to",)),
}
# What the run itself decides.
DECIDED = ("out", "resume", "force")
# How a result is made, and not what it is.
_DECIDE_NOTHING = (*DECIDED, "command", "stop_after", "keep", "report_to", "link")


# The commands that learn new tokens, and those of their options, beside the initializers', that decide none.
LEARNING = ("compare", "extend")
_AFTER_LEARNING = ("probe_steps", "probe_seeds", "evaluate", "untie", "hash", "adversarial")


def initializing_names() -> frozenset[str]:
    """The options of steps that learn which decide what is made of new tokens, and not which these are."""
    options = import_module("vocabx.initializers.options").InitializerOptions
    return frozenset((*(one.name for one in fields(options)), *_AFTER_LEARNING))


def options_class(command: str) -> Any:
    """The options class of a command."""
    return getattr(import_module(f"vocabx.commands.{command}.options"), f"{command.capitalize()}Options")


def option_names(command: str) -> tuple[str, ...]:
    """The options that a step of this command may give."""
    return tuple(one.name for one in fields(options_class(command)) if one.name not in (*DECIDED, "command"))


def deciding_names(command: str) -> tuple[str, ...]:
    """The options that decide what a step of this command makes."""
    return tuple(one.name for one in fields(options_class(command)) if one.name not in _DECIDE_NOTHING)
