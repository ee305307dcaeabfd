"""A checkpoint of the shape of Llama 2 7B (13.5 GB) extended by 27,264 tokens: time and memory.

    python benchmarks/large_checkpoint.py [--scratch DIR] [--layers 32] [--only make,extend,…]

Random weights in three files, the real tokenizer of Llama 2, text from packages. Each contestant runs in a
process of its own, on files that are not in the system's cache where that can be emptied:

- `vocabx extend --init zip-tie`, the whole command, with its stages; then the same with --link;
- `cp -r` of what it wrote, on the same disk, and the same with the time until the disk has it;
- transformers: load, resize_token_embeddings to as many rows, save_pretrained.

Memory is the peak of resident memory less that of a bare interpreter. The disk needs 45 GB.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from common import machine
from material import BASES
from numpy.typing import NDArray

from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.write_tensors import Made, NewTensor, write_tensors

RESULTS = Path(__file__).parent / "results" / "large-checkpoint.json"
VOCABULARY, WIDTH, INNER = 32_000, 4096, 11_008
NEW_TOKENS = 27_264
STEPS = ("make", "extend", "cp", "link", "transformers")
# What of a run is about weights; the rest reads text, learns tokens and proves the tokenizer.
WEIGHT_STAGES = (
    "Checking the base's tables",
    "Placing tokens by zip-tie",
    "Writing the checkpoint",
    "Hashing",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/large-checkpoint"))
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--only", default=",".join(STEPS))
    options = parser.parse_args()
    steps = options.only.split(",")
    base, out = options.scratch / "base", options.scratch / "extended"
    result: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    result |= {"machine": machine(), "layers": options.layers, "new tokens": NEW_TOKENS}
    if "make" in steps:
        make_base(base, options.layers)
        result["base bytes"] = size_of(base)
    bare = measured([sys.executable, "-c", "pass"])["peak MB"]
    if "extend" in steps:
        result["vocabx"] = extended(base, out, bare, "--resume")
        result["result bytes"] = size_of(out)
    if "cp" in steps:
        result["cp -r"] = copied(out, options.scratch / "copy")
    if "link" in steps:
        shutil.rmtree(out)
        result["vocabx --link"] = extended(base, out, bare, "--link")
    if "transformers" in steps:
        shutil.rmtree(out, ignore_errors=True)
        result["transformers"] = resized(base, out, bare)
    if "vocabx" in result and "cp -r" in result:
        for name in ("seconds of weights", "seconds"):
            result[f"{name} over cp -r"] = round(result["vocabx"][name] / result["cp -r"]["seconds"], 2)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def make_base(directory: Path, layers: int) -> None:
    """Random weights N(0, 0.02²) in bfloat16 under Llama's names, in three files."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    names = {"model.embed_tokens.weight": (VOCABULARY, WIDTH)}
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        names |= {f"{prefix}self_attn.{part}_proj.weight": (WIDTH, WIDTH) for part in "qkvo"}
        names |= {f"{prefix}mlp.{part}_proj.weight": (INNER, WIDTH) for part in ("gate", "up")}
        names[f"{prefix}mlp.down_proj.weight"] = (WIDTH, INNER)
        names |= {f"{prefix}{part}_layernorm.weight": (WIDTH,) for part in ("input", "post_attention")}
    names |= {"model.norm.weight": (WIDTH,), "lm_head.weight": (VOCABULARY, WIDTH)}
    random = np.random.default_rng(0)
    items, third, weight_map = list(names.items()), len(names) // 3 + 1, {}
    for number in range(3):
        part = dict(items[number * third : (number + 1) * third])
        file = f"model-0000{number + 1}-of-00003.safetensors"
        weight_map |= dict.fromkeys(part, file)
        tensors = {
            name: NewTensor("BF16", shape, (Made(lambda shape=shape: noise(random, shape)),))
            for name, shape in part.items()
        }
        write_tensors(directory / file, tensors, {"format": "pt"})
    total = sum(2 * int(np.prod(shape)) for shape in names.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    write_json(directory / "model.safetensors.index.json", index)
    write_json(directory / "config.json", configuration(layers))
    for file in BASES["Llama 2"].iterdir():
        if file.name.startswith(("tokenizer", "special_tokens")):
            shutil.copyfile(file, directory / file.name)


def configuration(layers: int) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": layers,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def size_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*"))


def noise(random: np.random.Generator, shape: tuple[int, ...]) -> Iterator[NDArray[Any]]:
    if len(shape) == 1:
        yield np.ones(shape, dtype=ml_dtypes.bfloat16)
        return
    for start in range(0, shape[0], 2048):
        rows = min(2048, shape[0] - start)
        yield (0.02 * random.standard_normal((rows, shape[1]), dtype=np.float32)).astype(ml_dtypes.bfloat16)


def extended(base: Path, out: Path, bare: float, *more: str) -> dict[str, Any]:
    command = [
        sys.executable, "-c", "from vocabx.cli import main; main()", "extend", "--base", str(base),
        "--lang", "zh-Hant", "--new-tokens", str(NEW_TOKENS), "--init", "zip-tie", "--no-evaluate",
        "--out", str(out), *more,
    ]  # fmt: skip
    found = measured(command)
    manifest = json.loads((out / "vocabx.json").read_text())
    stages = {name: round(seconds, 1) for name, seconds in manifest["run"]["seconds"].items()}
    return {
        "seconds": found["seconds"],
        "seconds of weights": round(sum(stages.get(name, 0) for name in WEIGHT_STAGES), 1),
        "MB beyond the interpreter": round(found["peak MB"] - bare),
        "rows": manifest["sizes"]["rows"],
        "stages": stages,
    }


def copied(source: Path, target: Path) -> dict[str, Any]:
    found = measured(["cp", "-r", str(source), str(target)])
    start = time.perf_counter()
    subprocess.run(["sync", "-f", str(target)], check=True)
    synced = found["seconds"] + time.perf_counter() - start
    shutil.rmtree(target)
    return {"seconds": found["seconds"], "seconds until the disk has it": round(synced, 1)}


TRANSFORMERS = """
import json, sys, time, torch
from transformers import AutoModelForCausalLM
marks = [time.perf_counter()]
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.bfloat16)
marks.append(time.perf_counter())
model.resize_token_embeddings(int(sys.argv[3]))
marks.append(time.perf_counter())
model.save_pretrained(sys.argv[2], max_shard_size="5GB")
marks.append(time.perf_counter())
print(json.dumps(dict(zip(("load", "resize", "save"), (round(b - a, 1) for a, b in zip(marks, marks[1:]))))))
"""


def resized(base: Path, out: Path, bare: float) -> dict[str, Any]:
    found = measured([sys.executable, "-c", TRANSFORMERS, str(base), str(out), str(VOCABULARY + NEW_TOKENS)])
    shutil.rmtree(out, ignore_errors=True)
    return {
        "seconds": found["seconds"],
        "MB beyond the interpreter": round(found["peak MB"] - bare),
        "stages": json.loads(found["out"].splitlines()[-1]),
    }


def measured(command: list[str]) -> dict[str, Any]:
    """Run a command on a cold cache; its wall time, and the peak of its own resident memory."""
    subprocess.run(["sync"], check=True)
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        print("the system's cache stays as it is: that needs root", file=sys.stderr)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = round(time.perf_counter() - start, 1)
    if status:
        raise SystemExit(f"{command[0]} … failed: {os.waitstatus_to_exitcode(status)}")
    return {"seconds": seconds, "peak MB": usage.ru_maxrss / 1024, "out": out}


if __name__ == "__main__":
    main()
