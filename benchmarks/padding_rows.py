"""The probability of padding rows, where nothing masks them: of all of them together, after 100 prompts.

    python benchmarks/padding_rows.py DIR [--prompts 100]

DIR is a checkpoint of vocabx with padding rows. Half of the prompts are English, half Chinese. transformers
is read at the last position of each, once with the rows as they are and once with the
mean of the old rows in their place; llama.cpp, in a .gguf file without suppress_tokens, returns the
probability of every id. vLLM computes the same product of state and lm_head as transformers, over all
`vocab_size` rows, and masks none of them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from common import Result, finish, new_parser, run_script

from vocabx.checkpoint.manifest import read_manifest
from vocabx.checkpoint.special_ids import begin_id
from vocabx.corpus.languages import find_language
from vocabx.corpus.packaged_text import read_packaged
from vocabx.evaluation.load_model import load_model
from vocabx.tokenizer.read_tokenizer import read_tokenizer

LENGTH = {"en": 120, "zh-Hant": 40}


def prompts_of(count: int) -> list[str]:
    """The beginnings of lines, half of them in each language."""
    found = []
    for tag, length in LENGTH.items():
        file = next(packaged.file for packaged in find_language(tag).packaged)
        lines = (line for document in read_packaged(file) for line in document.text.split("\n"))
        long = [line[:length] for line in lines if len(line) > length]
        found += long[:: max(1, 2 * len(long) // count)][: count // 2]
    return found


def in_transformers(directory: Path, prompts: Sequence[Sequence[int]], pad: range, old: int) -> Result:
    """The largest and the mean total probability of `pad`, as they are and as the mean of the old rows."""
    import torch

    model = load_model(directory)
    head = model.get_output_embeddings().weight
    kept = head.detach().clone()
    result: Result = {}
    for name in ("as written", "the mean"):
        with torch.no_grad():
            head.copy_(kept)
            if name == "the mean":
                head[pad.start : pad.stop] = kept[:old].float().mean(dim=0).to(head.dtype)
            found = [
                float(
                    model(torch.tensor([[begin_id(model.config), *ids]]))
                    .logits[0, -1]
                    .double()
                    .softmax(-1)[pad.start : pad.stop]
                    .sum()
                )
                for ids in prompts
            ]
        result[name] = {"largest": max(found), "mean": float(np.mean(found))}
    return result


def in_llama_cpp(directory: Path, prompts: Sequence[Sequence[int]], pad: range, begin: int) -> Result:
    """The same from llama.cpp, in a process of its own."""
    request = {"directory": str(directory), "prompts": [[begin, *ids] for ids in prompts], "pad": [*pad]}
    ran = subprocess.run(
        [sys.executable, __file__, "--worker"], input=json.dumps(request), capture_output=True, text=True
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr[-2000:])
    found: Result = json.loads(ran.stdout.splitlines()[-1])
    return found


def worker() -> None:
    """Export the directory of the request, and ask llama.cpp for the probability of every id."""
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    xllamacpp: Any = import_module("xllamacpp")

    from vocabx import ExportOptions, export

    asked: dict[str, Any] = json.loads(sys.stdin.read())
    # Keep what the library prints out of the answer.
    out = os.dup(1)
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(shutil.copytree(asked["directory"], Path(folder) / "model"))
        (plain / "generation_config.json").unlink(missing_ok=True)
        path = Path(folder) / "model.gguf"
        export(ExportOptions(directory=plain, gguf=path))
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx, parameters.n_parallel = 1024, 1
        server = xllamacpp.Server(parameters)
        address = urlsplit(server.listening_address)
        found = []
        rows = asked["pad"][-1] + 1
        for ids in asked["prompts"]:
            # A token that ends inside a character is answered only with those that complete it.
            body = {"prompt": ids, "n_predict": 4, "n_probs": rows, "temperature": 0, "ignore_eos": True}
            body["cache_prompt"] = False
            # The server closes a connection after some requests.
            connection = HTTPConnection(address.hostname or "", address.port)
            connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            every = answer["completion_probabilities"][0]["top_logprobs"]
            logprobs = {entry["id"]: entry["logprob"] for entry in every}
            found.append(sum(float(np.exp(logprobs[index])) for index in asked["pad"]))
    with os.fdopen(out, "w") as stream:
        stream.write(json.dumps({"largest": max(found), "mean": float(np.mean(found))}) + "\n")


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, prompts=100)
    parser.add_argument("directory", type=Path)
    options = parser.parse_args(arguments)
    manifest = read_manifest(options.directory)
    pads = [part for part in manifest.ranges if part.source == "pad"] if manifest is not None else []
    if manifest is None or not pads:
        raise SystemExit(f"{options.directory} has no padding rows of vocabx")
    pad = range(pads[0].first_id, pads[0].first_id + pads[0].count)
    prompts = read_tokenizer(options.directory).encode(prompts_of(options.prompts))
    begin = begin_id(load_model(options.directory).config)
    result = {
        "padding rows": len(pad),
        "prompts": len(prompts),
        "transformers": in_transformers(options.directory, prompts, pad, manifest.base.tokens),
        "llama.cpp": in_llama_cpp(options.directory, prompts, pad, begin),
    }
    print(json.dumps(result, indent=2))
    return finish(options.out, "padding_rows", result)


if __name__ == "__main__":
    if sys.argv[1:] == ["--worker"]:
        worker()
    else:
        run_script(main)
