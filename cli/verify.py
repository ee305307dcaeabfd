"""vocabx verify: prove what an extension kept, whoever made it."""

import typer

from vocabx.commands.verify.options import VerifyOptions

from .options import command
from .plain_line import json_line


@command(VerifyOptions)
def verify(options: VerifyOptions, quiet: bool, as_json: bool) -> None:
    """Prove that an extension changed nothing else; exit 1 when a claim or a runtime fails."""
    from vocabx.commands.verify.run import verify as run

    from .progress import TerminalProgress
    from .terminal import print_verification

    found = run(options, TerminalProgress(quiet))
    if as_json:
        print(json_line(found.to_dict()))
    else:
        print_verification(found)
    if not found.passed:
        raise typer.Exit(1)
