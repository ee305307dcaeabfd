"""The story of `vocabx playground`: a page on this machine where one types and sees both tokenizations."""

import os
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from vocabx.commands.playground.options import PlaygroundOptions
from vocabx.commands.playground.plan import PlaygroundPlan, check_playground, make_playground_plan
from vocabx.commands.playground.server import ADDRESS, make_app
from vocabx.errors import OptionError
from vocabx.progress import Progress, Quiet


@dataclass(frozen=True)
class PlaygroundResult:
    """A playground that answers, or did until it was interrupted.

    Attributes:
        url: of the page.
        directory: the extended checkpoint or tokenizer.
        base: the name of the base that is shown beside it, "" where it was not found.
        new_tokens: number of tokens that the base lacks.
    """

    url: str
    directory: Path
    base: str
    new_tokens: int


def playground(
    options: PlaygroundOptions,
    progress: Progress | None = None,
    started: Callable[[PlaygroundResult], None] = lambda result: None,
) -> PlaygroundResult:
    """Serve a page that tokenizes what is typed, by an extended tokenizer and its base, until interrupted.

    The page also shows the nearest neighbors of a token's embedding. It is served on 127.0.0.1 alone.

    Args:
        options: see `PlaygroundOptions`.
        progress: receives the stages before the page is there.
        started: called when the page is there.

    Raises:
        VocabxError: for any problem that the user can fix; the message says how.
    """
    progress = progress or Quiet()
    manifest = check_playground(options)
    with _listening(options.port) as listener:
        plan = make_playground_plan(options, manifest, progress)
        result = PlaygroundResult(
            url=f"http://{ADDRESS}:{listener.getsockname()[1]}/",
            directory=options.directory,
            base=plan.base.name if plan.base else "",
            new_tokens=plan.new_tokens,
        )
        # Ctrl-C and SIGTERM are how a playground ends.
        with suppress(KeyboardInterrupt):
            started(result)
            if options.browser:
                _open_browser(result.url)
            _serve(plan, listener)
    return result


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """A socket that accepts connections, which wait until they are served.

    Raises:
        OptionError: the port is taken, or not allowed.
    """
    with socket.socket() as listener:
        # The port of a playground that was just ended is free, though the system waits for late packets.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
            listener.listen()
        except OSError as error:
            raise OptionError(
                f"port {port} cannot be used: {os.strerror(error.errno or 0)}; pass another --port, or 0 for "
                "a free one"
            ) from None
        yield listener


def _serve(plan: PlaygroundPlan, listener: socket.socket) -> None:
    """Answer until interrupted.

    Raises:
        KeyboardInterrupt: by Ctrl-C or SIGTERM, when the last answer is sent.
    """
    import uvicorn

    # Without its own logging, only what goes wrong is written to the terminal.
    config = uvicorn.Config(
        make_app(plan), lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listener])


def _open_browser(url: str) -> None:
    """Open the page where there is a screen; a browser inside the terminal would take it from the command."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform == "linux" and not any(map(os.environ.get, screens)):
        return
    # A browser that stays in the foreground must not keep the page from being served.
    Thread(target=webbrowser.open, args=(url,), daemon=True).start()
