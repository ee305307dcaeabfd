"""llama.cpp in its own process: how it tokenizes and continues text with a .gguf file.

Run as a script, it reads {"path", "texts", "prompts", "tokens", "special", "embed"} from standard input, runs
llama.cpp as a server, and writes what `ask` returns.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def ask(
    path: Path,
    texts: Sequence[str] = (),
    prompts: Sequence[Sequence[int]] = (),
    tokens: int = 8,
    special: bool = False,
    embed: bool = False,
) -> dict[str, Any]:
    """Load a file, tokenize texts with it, and continue prompts greedily, or `embed` them.

    Returns:
        "ids": the ids of each text, with its template if `special` is set; "greedy": for each prompt the ids
        that follow; "logprobs": for each of these ids the log-probabilities of the twenty most likely ids, by
        id as a string; "states": for each prompt its last states, if they are embedded.
    """
    request = {"path": str(path), "texts": list(texts), "prompts": list(prompts)}
    ran = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps({**request, "tokens": tokens, "special": special, "embed": embed}),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    return json.loads(ran.stdout.splitlines()[-1])


def _answer(asked: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """What `ask` returns, and the server, which must not be destroyed: that can wait for ever."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = asked["path"]
    parameters.n_ctx = 1024
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    # Flash attention computes in lower precision.
    parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    for side in ("cache_type_k", "cache_type_v"):
        setattr(parameters, side, xllamacpp.ggml_type.GGML_TYPE_F32)
    if asked["embed"]:
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_NONE
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_ctx = 512
    server = xllamacpp.Server(parameters)

    address = urlsplit(server.listening_address)
    connection = HTTPConnection(address.hostname or "", address.port)

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        return json.load(connection.getresponse())

    prompts = [] if asked["embed"] else asked["prompts"]
    states = [
        post("/embedding", {"content": prompt, "embd_normalize": -1})[0]["embedding"]
        for prompt in (asked["prompts"] if asked["embed"] else [])
    ]
    options = {"add_special": asked["special"], "parse_special": True}
    done = [
        post(
            "/completion",
            {
                "prompt": prompt,
                "n_predict": asked["tokens"],
                "temperature": 0,
                "n_probs": 20,
                "return_tokens": True,
                "ignore_eos": True,
                "cache_prompt": False,
            },
        )
        for prompt in prompts
    ]
    answer = {
        "states": states,
        "ids": [post("/tokenize", {"content": text, **options})["tokens"] for text in asked["texts"]],
        "greedy": [answer["tokens"] for answer in done],
        "logprobs": [
            [
                {str(top["id"]): top["logprob"] for top in step["top_logprobs"]}
                for step in answer["completion_probabilities"]
            ]
            for answer in done
        ],
    }
    return answer, server


if __name__ == "__main__":
    # Keep what the library prints out of the answer.
    out = os.dup(1)
    os.dup2(2, 1)
    answer, server = _answer(json.loads(sys.stdin.read()))
    with os.fdopen(out, "w") as stream:
        stream.write(json.dumps(answer) + "\n")
    os._exit(0)
