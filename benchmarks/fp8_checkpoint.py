"""A checkpoint in the layout of DeepSeek V3 in FP8, extended by 27,000 tokens with --link: what is rewritten.

    python benchmarks/fp8_checkpoint.py [--layers 4] [--new-tokens 27000] [--scratch DIR]

The names, shapes and dtypes are those that transformers stores of the class, at the width of the release,
with few layers: linear layers in FP8 with a scale for each block of 128 × 128, norms, routers and embedding
matrices in 16 bits, and the layer for multi-token prediction with its copies of both matrices. Embedding
matrices are random numbers; everything else is a hole in its file, so that the disk needs 20 GB. The
tokenizer is that of Llama 3. Counted are the shards that the result shares with its base (same inode), which
ought to be all that hold no embedding matrix.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from bases import tokenizer_path
from common import Result, finish, machine, new_parser, run_script
from find_tables import stored_shapes
from large_checkpoint import measured
from llama_shapes import write_empty
from texts import add_text_options

from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.safetensors_file import WIDTHS, read_header

NAME = "fp8-checkpoint"
_BLOCK = 128
# What the release keeps in 16 bits; the rest of two dimensions is FP8.
_WHOLE = ("lm_head", "embed_tokens", "norm", "gate.weight", "shared_head.head")
_TABLES = ("embed_tokens.weight", "lm_head.weight", "shared_head.head.weight")


def main(arguments: Sequence[str] | None = None) -> Result:
    parser = new_parser(__doc__, new_tokens=27_000, layers=4, width=7168, experts=256)
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/fp8-checkpoint"))
    parser.add_argument("--tokenizer", default="Llama 3", help="default: Llama 3")
    add_text_options(parser, "corpus", "base_text")
    options = parser.parse_args(arguments)
    shutil.rmtree(options.scratch, ignore_errors=True)
    base, target = options.scratch / "base", options.scratch / "extended"
    make_base(base, tokenizer_path(options.tokenizer), options.layers, options.width, options.experts)
    texts = [
        part
        for flag, paths in (("--corpus", options.corpus), ("--base-text", options.base_text))
        for path in paths
        for part in (flag, path)
    ]
    command = [
        sys.executable, "-m", "vocabx", "extend", "--base", str(base), "--lang", "zh-Hant", "--new-tokens",
        str(options.new_tokens), "--no-evaluate", "--link", "--out", str(target), *texts,
    ]  # fmt: skip
    found = measured(command)
    result = {
        "machine": machine(),
        "new_tokens": options.new_tokens,
        "seconds": round(found["seconds"], 1),
        "peak_mb": round(found["peak MB"]),
        **_compared(base, target),
    }
    shutil.rmtree(options.scratch)
    return finish(options.out, NAME, result)


def _compared(base: Path, target: Path) -> Result:
    """Which files the result shares with its base, and what the others hold."""
    shards = sorted(base.glob("*.safetensors"))
    linked = [path for path in shards if path.samefile(target / path.name)]
    rewritten = [path for path in shards if path not in linked]
    quantised = [
        path for path in shards if not any(name.endswith(_TABLES) for name in read_header(path).tensors)
    ]
    index = json.loads((target / "model.safetensors.index.json").read_text(encoding="utf-8"))
    return {
        "shards": len(shards),
        "shards_without_a_matrix": len(quantised),
        "linked": len(linked),
        "linked_of_those": len(set(linked) & set(quantised)),
        "base_bytes": sum(path.stat().st_size for path in shards),
        "rewritten_bytes": sum((target / path.name).stat().st_size for path in rewritten),
        "tensors": len(index["weight_map"]),
        "quantization_config_unchanged": _config(base)["quantization_config"]
        == _config(target)["quantization_config"],
        "rows": _config(target)["vocab_size"],
    }


def _config(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    return found


def make_base(directory: Path, tokenizer: Path, layers: int, width: int, experts: int) -> None:
    """Write a base of `layers` layers (the last with experts) and one for multi-token prediction."""
    directory.mkdir(parents=True)
    for path in sorted(tokenizer.iterdir()):
        if path.name.startswith(("tokenizer", "special_tokens")):
            shutil.copyfile(path, directory / path.name)
    vocabulary = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))
    size = 1 + max(
        *vocabulary["model"]["vocab"].values(), *(token["id"] for token in vocabulary["added_tokens"])
    )
    config, tensors = _layout(size, layers, width, experts)
    write_json(directory / "config.json", config)
    parts: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = {}
    for name, tensor in tensors.items():
        parts.setdefault(_shard(name, layers), {})[name] = tensor
    for file, part in parts.items():
        write_empty(directory / file, part)
    # The copies of the layer for multi-token prediction are equal to their originals.
    for seed, ends in enumerate((_TABLES[:1], _TABLES[1:])):
        copies = [
            (directory / file, name) for file, part in parts.items() for name in part if name.endswith(ends)
        ]
        _fill(copies, size, width, seed)
    where = {name: file for file, part in parts.items() for name in part}
    total = sum(_bytes(tensor) for tensor in tensors.values())
    write_json(
        directory / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": where}
    )


def _layout(
    vocabulary: int, layers: int, width: int, experts: int
) -> tuple[dict[str, Any], dict[str, tuple[str, tuple[int, ...]]]]:
    """The configuration, and dtype and shape of each stored tensor."""
    from transformers import DeepseekV3Config, DeepseekV3ForCausalLM

    made = DeepseekV3Config(
        vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers, n_routed_experts=experts,
        num_nextn_predict_layers=1, first_k_dense_replace=layers - 1,
    )  # fmt: skip
    config = json.loads(made.to_json_string(use_diff=False))
    config["architectures"] = [DeepseekV3ForCausalLM.__name__]
    shapes = stored_shapes(config)
    last, extra = f"model.layers.{layers - 1}.", f"model.layers.{layers}."
    shapes |= {name.replace(last, extra): shape for name, shape in shapes.items() if name.startswith(last)}
    shapes[f"{extra}eh_proj.weight"] = (width, 2 * width)
    shapes |= dict.fromkeys(
        (f"{extra}{norm}.weight" for norm in ("enorm", "hnorm", "shared_head.norm")), (width,)
    )
    shapes |= dict.fromkeys((f"{extra}{end}" for end in (_TABLES[0], _TABLES[2])), (vocabulary, width))
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for name, shape in sorted(shapes.items()):
        if len(shape) != 2 or any(part in name for part in _WHOLE):
            found[name] = ("BF16", shape)
        else:
            found[name] = ("F8_E4M3", shape)
            found[f"{name}_scale_inv"] = ("F32", tuple(-(-size // _BLOCK) for size in shape))
    quantization = {
        "quant_method": "fp8", "activation_scheme": "dynamic", "fmt": "e4m3",
        "weight_block_size": [_BLOCK, _BLOCK],
    }  # fmt: skip
    return {**config, "quantization_config": quantization}, found


def _shard(name: str, layers: int) -> str:
    """The file of a tensor: a layer each, experts in eight, and the matrices where the release has them."""
    layer = int(name.split(".")[2]) if name.startswith("model.layers.") else 0
    part = "embed" if name == "model.embed_tokens.weight" else "head" if not name.startswith("model.") else ""
    if ".mlp.experts." in name:
        part = f"experts-{int(name.split('.')[5]) % 8}"
    elif layer == layers and name.endswith(_TABLES):
        part = "copies"
    return f"model-{layer:05d}{f'-{part}' if part else ''}.safetensors"


def _bytes(tensor: tuple[str, tuple[int, ...]]) -> int:
    return WIDTHS[tensor[0]] * int(np.prod(tensor[1]))


def _fill(copies: Sequence[tuple[Path, str]], rows: int, width: int, seed: int) -> None:
    """Write one random matrix, of N(0, 0.02²), to each of `copies`: files with the tensor's name."""
    random = np.random.default_rng(seed)
    headers = [read_header(path) for path, _ in copies]
    begins = [
        header.data_start + header.tensors[name].begin
        for header, (_, name) in zip(headers, copies, strict=True)
    ]
    for start in range(0, rows, 2048):
        count = min(2048, rows - start)
        drawn = (0.02 * random.standard_normal((count, width), dtype=np.float32)).astype(ml_dtypes.bfloat16)
        for (path, _), begin in zip(copies, begins, strict=True):
            with path.open("r+b") as stream:
                stream.seek(begin + 2 * start * width)
                stream.write(drawn.tobytes())


if __name__ == "__main__":
    run_script(main)
