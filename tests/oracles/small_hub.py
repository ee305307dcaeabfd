"""A local fake of the Hugging Face hub: the routes for publishing small files, and a record of the requests.

It stores every file in git, none in LFS or Xet, which the real hub uses for weights.
"""

import base64
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_of_the_tests"


@dataclass
class Repository:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class SmallHub:
    """The state of the hub.

    Attributes:
        url: its address.
        who: its answer to whoami.
        repositories: by owner/name.
        refused: answers that replace a route, by a part of its path: status, message, body.
        large: suffixes of the file names that it requests via Xet, where it accepts nothing.
        asked: method and path of each request.
    """

    url: str = ""
    who: dict = field(default_factory=lambda: {"type": "user", "name": "me", "orgs": []})
    repositories: dict[str, Repository] = field(default_factory=dict)
    refused: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    large: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes, token: str) -> tuple[int, str, object]:
        self.asked.append(f"{method} {path}")
        for part, refusal in self.refused.items():
            if part in path:
                return refusal
        if token != f"Bearer {TOKEN}":
            return 401, "Invalid credentials in Authorization header", {"error": "unauthorised"}
        parts = path.strip("/").split("/")
        if parts == ["api", "whoami-v2"]:
            return 200, "", self.who
        if parts == ["api", "validate-yaml"]:
            return 200, "", {"errors": [], "warnings": []}
        if parts == ["api", "repos", "create"]:
            return self._create(json.loads(body))
        name = "/".join(parts[2:4])
        if name not in self.repositories:
            return 404, "Repository not found", {"error": "Repository not found"}
        repository = self.repositories[name]
        if len(parts) == 4 or parts[4] == "revision":
            files = [{"rfilename": file} for file in repository.files]
            about = {"id": name, "sha": "0" * 40, "private": repository.private, "siblings": files}
            return 200, "", {**about, "tags": []}
        if parts[4] == "preupload":
            return 200, "", {"files": [self._upload_of(one["path"]) for one in json.loads(body)["files"]]}
        if parts[4] == "xet-write-token":
            return 403, "", {"error": "Storage is full"}
        assert parts[4:] == ["commit", "main"], path
        return self._commit(name, repository, body)

    def _upload_of(self, path: str) -> dict:
        mode = "lfs" if self.large and path.endswith(self.large) else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": False}

    def _create(self, wanted: dict) -> tuple[int, str, object]:
        name = f"{wanted.get('organization') or self.who['name']}/{wanted['name']}"
        exists = name in self.repositories
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        self.repositories.setdefault(name, Repository(private))
        return (409 if exists else 200), "", {"url": f"{self.url}/{name}", "name": name}

    def _commit(self, name: str, repository: Repository, body: bytes) -> tuple[int, str, object]:
        for line in body.decode().splitlines():
            entry = json.loads(line)
            if entry["key"] == "header":
                repository.commits.append(entry["value"]["summary"])
            else:
                value = entry["value"]
                repository.files[value["path"]] = base64.b64decode(value["content"])
        return 200, "", {"commitUrl": f"{self.url}/{name}/commit/{'1' * 40}", "commitOid": "1" * 40}


@contextmanager
def small_hub():
    """Run a hub until the block ends."""
    hub = SmallHub()

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            token = self.headers.get("Authorization", "")
            status, message, content = hub.answer(self.command, path, body, token)
            sent = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.send_header("Content-Type", "application/json")
            if message:
                self.send_header("X-Error-Message", message)
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_HEAD = _respond

        def log_message(self, *arguments) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
