"""How fast this machine multiplies matrices, to estimate the duration of a run."""

import time
from typing import Any

from vocabx._util.extras import need

_SIZE, _SMALL = 1024, 256
_SECONDS = 0.2
_TRIES = 5
# Without bfloat16 in hardware, a product of two large matrices takes seconds.
_SLOW = 2e10


def operations_a_second(device: str, dtype: str, training: bool = True) -> float:
    """Floating-point operations per second in products of two 1,024 × 1,024 matrices, the mean over 0.2 s.

    The mean and not the best: on a machine that does other work, a run gets its share, too. A slow machine
    multiplies smaller ones.

    Args:
        device: torch device.
        dtype: name of a torch dtype.
        training: whether a layer's backward pass is measured with its forward pass: without bfloat16 in
            hardware, it takes eight times as long.
    """
    if device != "cpu":
        return _measured(device, dtype, 4 * _SIZE, _SECONDS, training)
    # The best of several: one product takes less than a millisecond, and whatever else runs may hold it up.
    rate = max(_measured(device, dtype, _SMALL, 0.0, training) for _ in range(_TRIES))
    return _measured(device, dtype, _SIZE if rate > _SLOW else _SMALL, _SECONDS, training)


def speeds(device: str, dtype: str) -> tuple[float, float]:
    """`operations_a_second` of training and of scoring, measured now."""
    return operations_a_second(device, dtype), operations_a_second(device, dtype, training=False)


def _measured(device: str, dtype: str, size: int, seconds: float, training: bool) -> float:
    torch = need("torch", "train")
    one: Any = torch.ones(size, size, dtype=getattr(torch, dtype), device=device)

    def multiply() -> None:
        torch.nn.functional.linear(one, one)
        if training:
            # What the gradient of a layer's input is: the same without a transposed matrix.
            one @ one
        _wait(torch, device)

    # The first products also prepare the library.
    multiply()
    times, start = 0, time.perf_counter()
    while not times or time.perf_counter() - start < seconds:
        multiply()
        times += 1
    return 2.0 * size**3 * times * (2 if training else 1) / (time.perf_counter() - start)


def _wait(torch: Any, device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
