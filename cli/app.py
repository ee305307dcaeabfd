"""The commands gathered, and how a run ends: exit codes and one-line errors."""

import os
import signal
import sys

import typer

from vocabx.errors import VocabxError

from .bases import bases
from .compare import compare
from .doctor import doctor
from .evaluate import evaluate
from .export import export
from .extend import extend
from .inspect import inspect
from .languages import languages
from .merge import merge
from .options import INTERRUPTED
from .plain_help import Command, Group
from .push import push
from .train import train
from .transfer import transfer
from .verify import verify

_NOTHING_WRITTEN = "interrupted: nothing was written"

app = typer.Typer(
    name="vocabx",
    cls=Group,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Bring an open language model to your language.",
)
for _function in (
    extend,
    transfer,
    train,
    merge,
    compare,
    evaluate,
    inspect,
    verify,
    doctor,
    push,
    export,
    languages,
    bases,
):
    app.command(cls=Command)(_function)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        from vocabx._util.version import VERSION

        typer.echo(f"vocabx {VERSION}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line and exit: 0 done, 1 a check failed, 2 bad input, 130 interrupted."""
    # An ended session or a scheduler's limit must leave as little behind as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            _say(_NOTHING_WRITTEN)
    except VocabxError as error:
        code = error.exit_code
        notes = getattr(error, "__notes__", ())
        _say(f"{'interrupted' if code == INTERRUPTED else 'error'}: {'; '.join((str(error), *notes))}")
    except KeyboardInterrupt:
        _say(_NOTHING_WRITTEN)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left; Python would complain again while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        code = _usage_error(error)
    sys.exit(code)


def _usage_error(error: Exception) -> int:
    """Report what the option parser refuses in one line; anything else is a bug and stays a traceback."""
    message = getattr(error, "format_message", None)
    if message is None:
        raise error
    sentence = message()
    stop = "" if sentence.endswith((".", "?")) else "."
    _say(f"error: {sentence}{stop} Try: vocabx --help")
    return int(getattr(error, "exit_code", 2))


def _say(line: str) -> None:
    print(" ".join(line.split()), file=sys.stderr)
