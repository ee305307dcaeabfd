"""vocabx playground: type text, and see both tokenizations."""

import json

from vocabx.commands.playground.options import PlaygroundOptions

from .options import command


@command(PlaygroundOptions)
def playground(options: PlaygroundOptions, as_json: bool) -> None:
    """Type text in a local page, and see how both tokenize it."""
    from vocabx.commands.playground.run import PlaygroundResult
    from vocabx.commands.playground.run import playground as run

    from .terminal import TerminalProgress

    def started(result: PlaygroundResult) -> None:
        if as_json:
            print(
                json.dumps(vars(result) | {"directory": str(result.directory)}, ensure_ascii=False),
                flush=True,
            )
        else:
            print(f"{result.url}  (Ctrl-C ends it)", flush=True)

    run(options, TerminalProgress(), started)
