"""Memory: how much is available, whether a model fits, the peak usage, and what stays in a cache."""

import os
from importlib import import_module
from pathlib import Path

# Float32 numbers.
_CACHED = 1 << 19


def available_memory() -> int:
    """Bytes of memory available without swapping; the total memory where the system does not report it."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def free_memory(device: str) -> int:
    """Bytes available on a torch device: of the GPU's own memory, or of the system's for "cpu"."""
    if device == "cpu":
        return available_memory()
    return int(import_module("torch").cuda.mem_get_info(device)[0])


def fits(weight_bytes: int, free: int | None = None) -> bool:
    """Whether weights of `weight_bytes` and the activations of a passage fit into memory.

    Args:
        weight_bytes: of all models that are in memory at the same time.
        free: available bytes; by default those of the system's memory, not of a GPU's.
    """
    return weight_bytes * 1.2 + 2e9 < (available_memory() if free is None else free)


def reset_peak() -> None:
    """Reset `peak_memory`; does nothing where the system does not support it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory() -> int | None:
    """Peak resident bytes since `reset_peak`, or None where the system does not report them."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def rows_in_cache(columns: int) -> int:
    """How many rows of so many float32 numbers a core goes over again and again in its cache, at least 1.

    Measured on logits of 57,000 tokens: half or twice as many take as long.
    """
    return max(1, _CACHED // columns)
