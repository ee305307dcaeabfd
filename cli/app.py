"""The Typer application with all commands, the exit codes, and errors in one line."""

import errno
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
from .init_recipe import init_recipe
from .inspect import inspect
from .languages import languages
from .merge import merge
from .mixture import fit_mixture
from .options import INTERRUPTED
from .plain_help import Command, Group
from .plain_line import plain_line
from .playground import playground
from .push import push
from .run import run
from .train import train
from .transfer import transfer
from .verify import verify

# What a path or a disk is to blame for, wherever it shows.
_REFUSALS = (
    errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EIO,
    errno.EROFS, errno.ENXIO, errno.ENODEV, errno.ENOSPC, errno.EDQUOT, errno.ESTALE, errno.EMFILE,
)  # fmt: skip
_NOTHING_WRITTEN = "interrupted: nothing was written"

# Commands that are named differently from their functions: a package has the name of this one.
_NAMES = {"fit_mixture": "mixture"}

app = typer.Typer(
    name="vocabx",
    cls=Group,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Bring an open language model to your language.",
)
for _function in (
    run,
    init_recipe,
    extend,
    transfer,
    train,
    merge,
    fit_mixture,
    compare,
    evaluate,
    inspect,
    verify,
    doctor,
    playground,
    push,
    export,
    languages,
    bases,
):
    app.command(_NAMES.get(_function.__name__), cls=Command)(_function)


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
    # A closed session or a scheduler's time limit must leave no more behind than Ctrl-C does.
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
        # Whatever read our output is gone; without this, Python would report it once more at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        code = _system_error(error)
    except Exception as error:
        code = _usage_error(error)
    sys.exit(code)


def _system_error(error: OSError) -> int:
    """Report in one line why the system refused a file; any other error of the system is a bug of ours."""
    if error.errno not in _REFUSALS:
        raise error
    # Reading an open file names none.
    name = "a file" if error.filename is None else os.fsdecode(error.filename)
    _say(f"error: {name} cannot be used: {error.strerror}; pass another path")
    return VocabxError.exit_code


def _usage_error(error: Exception) -> int:
    """Report an error of the option parser in one line; anything else is a bug and stays a traceback."""
    message = getattr(error, "format_message", None)
    if message is None:
        raise error
    sentence = message()
    stop = "" if sentence.endswith((".", "?")) else "."
    _say(f"error: {sentence}{stop} Try: vocabx --help")
    return int(getattr(error, "exit_code", 2))


def _say(line: str) -> None:
    print(plain_line(line), file=sys.stderr)
