"""Weights as QLoRA's forward pass sees them: to 4 bits and back, by the library that trains with them.

NF4 in blocks of 64 with double quantisation (QLoRA, arXiv 2305.14314). What comes back is not what went in,
and adapters are trained on what came back.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocabx._util.extras import need
from vocabx.checkpoint.safetensors_file import DTYPES


def through_4_bits(
    weight: NDArray[Any], dtype: str, device: str, turned: bool = False
) -> NDArray[np.float32]:
    """A weight after NF4 and back, as a model that `load` made for "qlora" multiplies with it.

    Args:
        weight: (R, C), of any dtype that checkpoints have.
        dtype: name of the torch dtype that was trained in; the weight is brought to it first.
        device: of torch; where a weight was trained on a GPU, one must do this too.
        turned: whether the model stores it as (inputs, outputs): blocks run along the inputs.

    Returns:
        (R, C) float32; every number is one of `dtype`.

    Raises:
        MissingPackageError: torch or bitsandbytes is not installed.
    """
    torch, bitsandbytes = need("torch", "train"), need("bitsandbytes", "train")
    tensor = as_tensor(weight).to(device=device, dtype=getattr(torch, dtype))
    stored = bitsandbytes.nn.Params4bit(
        tensor.T if turned else tensor, requires_grad=False, compress_statistics=True, quant_type="nf4"
    ).to(device)
    back = bitsandbytes.functional.dequantize_4bit(stored.data, stored.quant_state).float().cpu()
    result: NDArray[np.float32] = (back.T if turned else back).contiguous().numpy()
    return result


def as_tensor(array: NDArray[Any]) -> Any:
    """A copy of an array as a tensor of torch, which does not know numpy's bfloat16."""
    torch = need("torch", "train")
    copy = np.array(array)
    if copy.dtype == DTYPES["BF16"]:
        return torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(copy)
