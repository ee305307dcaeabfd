"""vocabx playground: type text, and see both tokenizations."""

from vocabx.commands.playground.options import PlaygroundOptions

from .options import command
from .plain_line import json_line


@command(PlaygroundOptions)
def playground(options: PlaygroundOptions, quiet: bool, as_json: bool) -> None:
    """Type text in a local page, and see how both tokenize it."""
    from vocabx.commands.playground.run import PlaygroundResult
    from vocabx.commands.playground.run import playground as run

    from .progress import TerminalProgress

    def started(result: PlaygroundResult) -> None:
        if as_json:
            print(json_line(vars(result) | {"directory": str(result.directory)}), flush=True)
        else:
            print(f"{result.url}  (Ctrl-C ends it)", flush=True)

    run(options, TerminalProgress(quiet), started)
