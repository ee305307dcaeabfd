"""Weights as QLoRA's forward pass sees them: quantized to 4 bits and dequantized by the same library.

NF4 in blocks of 64 with double quantization (QLoRA, arXiv 2305.14314). Quantization is lossy, and the
adapters were trained on the dequantized weights.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.checkpoint.safetensors_file import DTYPES


def through_4_bits(
    weight: NDArray[Any], dtype: str, device: str, transposed: bool = False
) -> NDArray[np.float32]:
    """A weight quantized to NF4 and dequantized, as the forward pass of a model loaded for "qlora" uses it.

    Args:
        weight: (R, C), of any dtype found in checkpoints.
        dtype: name of the torch dtype used in training; the weight is cast to it first.
        device: torch device; a weight that was trained on a GPU needs a GPU here too.
        transposed: whether the model stores it as (inputs, outputs): blocks run along the inputs.

    Returns:
        (R, C) float32, every number representable in `dtype`.

    Raises:
        MissingPackageError: if torch or bitsandbytes is not installed.
    """
    torch, bitsandbytes = need("torch", "train"), need("bitsandbytes", "train")
    tensor = as_tensor(weight).to(device=device, dtype=getattr(torch, dtype))
    stored = bitsandbytes.nn.Params4bit(
        tensor.T if transposed else tensor, requires_grad=False, compress_statistics=True, quant_type="nf4"
    ).to(device)
    back = bitsandbytes.functional.dequantize_4bit(stored.data, stored.quant_state).float().cpu()
    result: NDArray[np.float32] = (back.T if transposed else back).contiguous().numpy()
    return result


def as_tensor(array: NDArray[Any]) -> Any:
    """A copy of an array as a torch tensor, also for numpy's bfloat16, which torch does not accept."""
    torch = need("torch", "train")
    copy = np.array(array)
    if copy.dtype == DTYPES["BF16"]:
        return torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(copy)
