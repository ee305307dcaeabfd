"""How fast this machine multiplies matrices, to estimate the duration of a run."""

import time
from typing import Any

from vocabx._util.extras import need

_SIZE, _SMALL = 1024, 256
_SECONDS = 0.2
# Without bfloat16 in hardware, a product of two large matrices takes seconds.
_SLOW = 2e10


def operations_a_second(device: str, dtype: str) -> float:
    """Floating-point operations per second in products of two 1,024 × 1,024 matrices, the mean over 0.2 s.

    The mean and not the best: on a machine that does other work, a run gets its share, too. A slow machine
    multiplies smaller ones.

    Args:
        device: torch device.
        dtype: name of a torch dtype.
    """
    if device != "cpu":
        return _measured(device, dtype, 4 * _SIZE, _SECONDS)
    rate = _measured(device, dtype, _SMALL, 0.0)
    return _measured(device, dtype, _SIZE if rate > _SLOW else _SMALL, _SECONDS)


def _measured(device: str, dtype: str, size: int, seconds: float) -> float:
    torch = need("torch", "train")
    one: Any = torch.ones(size, size, dtype=getattr(torch, dtype), device=device)
    # The first product also prepares the library.
    one @ one
    _wait(torch, device)
    products, start = 0, time.perf_counter()
    while not products or time.perf_counter() - start < seconds:
        one @ one
        _wait(torch, device)
        products += 1
    return 2.0 * size**3 * products / (time.perf_counter() - start)


def _wait(torch: Any, device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
