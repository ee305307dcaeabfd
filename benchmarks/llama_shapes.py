"""Base models of the shape of Llama 2, with its tokenizer: random weights, or headers before empty space."""

import json
import math
import shutil
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from bases import tokenizer_path
from numpy.typing import NDArray

from vocabx.checkpoint.grow import write_json
from vocabx.checkpoint.safetensors_file import WIDTHS
from vocabx.checkpoint.write_tensors import Made, NewTensor, write_tensors

VOCABULARY = 32_000


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama, and in how many files it comes."""

    width: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    files: int

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor by its name, in the order of the layers."""
        keys = self.width // self.heads * self.key_heads
        found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, self.width)}
        for layer in range(self.layers):
            prefix = f"model.layers.{layer}."
            found |= {f"{prefix}self_attn.{part}_proj.weight": (self.width, self.width) for part in "qo"}
            found |= {f"{prefix}self_attn.{part}_proj.weight": (keys, self.width) for part in "kv"}
            found |= {f"{prefix}mlp.{part}_proj.weight": (self.inner, self.width) for part in ("gate", "up")}
            found[f"{prefix}mlp.down_proj.weight"] = (self.width, self.inner)
            for part in ("input", "post_attention"):
                found[f"{prefix}{part}_layernorm.weight"] = (self.width,)
        return found | {"model.norm.weight": (self.width,), "lm_head.weight": (VOCABULARY, self.width)}

    def parts(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """The tensors by the name of their file."""
        items = list(self.tensors().items())
        size = -(-len(items) // self.files)
        return {
            f"model-{number + 1:05d}-of-{self.files:05d}.safetensors": dict(items[number * size :][:size])
            for number in range(self.files)
        }


SHAPES = {
    "7B": Shape(4096, 11_008, 32, 32, 32, 3),
    "70B": Shape(8192, 28_672, 80, 64, 8, 15),
    # For a trial of the script.
    "small": Shape(16, 32, 2, 2, 1, 3),
}


def make_base(directory: Path, shape: Shape, empty: bool = False) -> int:
    """Write a base in bfloat16, and return its size in bytes.

    Args:
        directory: what is there is removed.
        shape: its sizes.
        empty: leave the weights out: files of the right size that take no disk.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    random = np.random.default_rng(0)
    for file, part in shape.parts().items():
        if empty:
            write_empty(directory / file, {name: ("BF16", size) for name, size in part.items()})
            continue
        tensors = {
            name: NewTensor("BF16", size, (Made(partial(noise, random, size)),))
            for name, size in part.items()
        }
        write_tensors(directory / file, tensors, {"format": "pt"})
    total = sum(2 * int(np.prod(size)) for size in shape.tensors().values())
    where = {name: file for file, part in shape.parts().items() for name in part}
    index = {"metadata": {"total_size": total}, "weight_map": where}
    write_json(directory / "model.safetensors.index.json", index)
    write_json(directory / "config.json", configuration(shape))
    for path in tokenizer_path("Llama 2").iterdir():
        if path.name.startswith("tokenizer"):
            shutil.copyfile(path, directory / path.name)
    return total


def write_empty(path: Path, part: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """A safetensors file whose tensors, dtype and shape by name, are a hole in the file."""
    position, header = 0, {}
    for name, (dtype, size) in part.items():
        end = position + WIDTHS[dtype] * math.prod(size)
        header[name] = {"dtype": dtype, "shape": list(size), "data_offsets": [position, end]}
        position = end
    encoded = json.dumps(header).encode()
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(encoded)) + encoded)
        stream.truncate(8 + len(encoded) + position)


def configuration(shape: Shape) -> dict[str, Any]:
    """The config.json of a Llama."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_heads,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def noise(random: np.random.Generator, size: tuple[int, ...]) -> Iterator[NDArray[Any]]:
    """N(0, 0.02²), and ones for what scales a layer."""
    if len(size) == 1:
        yield np.ones(size, dtype=ml_dtypes.bfloat16)
        return
    for start in range(0, size[0], 2048):
        rows = min(2048, size[0] - start)
        yield (0.02 * random.standard_normal((rows, size[1]), dtype=np.float32)).astype(ml_dtypes.bfloat16)
