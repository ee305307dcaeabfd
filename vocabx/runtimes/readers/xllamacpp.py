"""llama.cpp as xllamacpp brings it: its server, in this process, reads a .gguf file."""

import json
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

# Servers run as long as these objects live, and taking one down may wait for its thread for ever.
_KEPT: list[Any] = []


def load(path: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`; `path` is the .gguf file."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.n_ctx = 64
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    server = xllamacpp.Server(parameters)
    _KEPT.append(server)
    address = urlsplit(server.listening_address)
    connection = HTTPConnection(address.hostname or "", address.port)

    def post(where: str, body: dict[str, Any]) -> Any:
        connection.request("POST", where, json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())

    def encode(text: str) -> Any:
        return post("/tokenize", {"content": text, "add_special": False, "parse_special": True})["tokens"]

    def decode(ids: Sequence[int]) -> Any:
        return post("/detokenize", {"tokens": list(ids)})["content"]

    return encode, decode
