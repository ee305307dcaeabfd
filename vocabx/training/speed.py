"""How fast this machine multiplies matrices, to estimate the duration of a run."""

import time
from typing import Any

from vocabx._util.extras import need

_SIZE = 1024
_SECONDS = 0.2


def operations_a_second(device: str, dtype: str) -> float:
    """Floating-point operations per second in products of two 1,024 × 1,024 matrices, the best within 0.2 s.

    Args:
        device: torch device.
        dtype: name of a torch dtype.
    """
    torch = need("torch", "train")
    size = _SIZE if device == "cpu" else 4 * _SIZE
    one: Any = torch.ones(size, size, dtype=getattr(torch, dtype), device=device)
    best, end = float("inf"), time.perf_counter() + _SECONDS
    one @ one
    # On a busy machine, the first product alone may take longer.
    while best == float("inf") or time.perf_counter() < end:
        _wait(torch, device)
        start = time.perf_counter()
        one @ one
        _wait(torch, device)
        best = min(best, time.perf_counter() - start)
    return 2.0 * size**3 / best


def _wait(torch: Any, device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
