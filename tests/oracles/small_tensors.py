"""A small safetensors file with many shapes and dtypes, written by the safetensors library itself."""

from pathlib import Path

import torch
from safetensors.torch import save_file

TORCH = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def example(path: Path, dtype: torch.dtype = torch.bfloat16) -> dict[str, torch.Tensor]:
    """Write a file with tensors of many shapes and dtypes, and return them."""
    torch.manual_seed(0)
    tensors = {
        "embed": torch.randn(7, 6).to(dtype),
        "bias": torch.randn(7).to(dtype),
        "empty": torch.zeros(0, 3),
        "scale": torch.tensor(2.5),
        "mask": torch.ones(3, dtype=torch.bool),
        "ids": torch.arange(5),
        "eight": torch.randn(5).to(torch.float8_e4m3fn),
        "嵌入": torch.randn(2, 2),
    }
    save_file(tensors, path, metadata={"format": "pt", "作者": "某人"})
    return tensors


def bits(tensor: torch.Tensor) -> bytes:
    """The bytes of a tensor in row-major order."""
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
