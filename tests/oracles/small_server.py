"""Servers on this machine that send files over HTTP, and a way there that breaks off."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class SmallServer:
    """Files by their path, such as "/texts/a.txt"; a path that ends with a slash lists those below it.

    Attributes:
        ranges: whether it sends parts of files.
        sized: whether it says how large a file is.
        files: content by path.
        lost: by path, where a file becomes unreadable: connections are closed there, whoever asks again.
        asked: method, path and range of each request.
        url: its address.
    """

    ranges: bool = True
    sized: bool = True
    files: dict[str, bytes] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""

    def content(self, path: str) -> bytes | None:
        if path.endswith("/"):
            below = [name for name in self.files if name.startswith(path)]
            return "".join(f'<a href="{name.removeprefix(path)}">x</a>\n' for name in below).encode()
        return self.files.get(path)


@contextmanager
def serving(server: SmallServer) -> Iterator[SmallServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def _answer(self) -> None:
            asked = self.headers.get("Range", "")
            path = self.path.partition("?")[0]
            server.asked.append((self.command, path, asked))
            content = server.content(path)
            if content is None:
                self.send_error(404)
                return
            part = bool(asked) and server.ranges
            start, _, end = asked.removeprefix("bytes=").partition("-") if part else ("0", "", "")
            sent = content[int(start) : int(end) + 1 if end else None]
            self.send_response(206 if part else 200)
            self.send_header("Content-Type", "text/html" if path.endswith("/") else "text/plain")
            if part:
                last = int(start) + len(sent) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            if server.sized:
                self.send_header("Content-Length", str(len(sent)))
            else:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command == "GET":
                readable = max(0, server.lost.get(path, len(content)) - int(start))
                self.close_connection = self.close_connection or readable < len(sent)
                with suppress(ConnectionError):
                    self.wfile.write(sent[:readable])

        def log_message(self, *arguments: object) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


@dataclass
class Break:
    """When the way to a server breaks: after `after` bytes of a connection, as often as `times` says."""

    after: int
    times: int = 0
    url: str = ""


@contextmanager
def breaking(url: str, way: Break) -> Iterator[Break]:
    """A way to the server at `url` that closes connections in the middle of an answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    way.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def forward(source: socket.socket, target: socket.socket, breaks: bool) -> None:
        sent = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sent += len(data)
                if breaks and sent > way.after and way.times:
                    way.times -= 1
                    target.sendall(data[: max(0, len(data) - (sent - way.after))])
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((host, int(port)))
                for one in ((client, server, False), (server, client, True)):
                    threading.Thread(target=forward, args=one, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield way
    finally:
        listener.close()
