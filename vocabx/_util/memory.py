"""Memory: what is free now, whether a model fits, and the most that was used."""

import os
from importlib import import_module
from pathlib import Path


def available_memory() -> int:
    """Bytes of memory that can be had without swapping; all of it where the system does not say."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def free_memory(device: str) -> int:
    """Bytes that can be had on a device of torch: of a GPU's own memory, or of the system's for "cpu"."""
    if device == "cpu":
        return available_memory()
    return int(import_module("torch").cuda.mem_get_info(device)[0])


def fits(weight_bytes: int, free: int | None = None) -> bool:
    """Whether weights of `weight_bytes` and the activations of a passage fit.

    Args:
        weight_bytes: of all models that are in memory at one time.
        free: bytes that can be had; by default what the system says of its own memory, not of a GPU's.
    """
    return weight_bytes * 1.2 + 2e9 < (available_memory() if free is None else free)


def reset_peak() -> None:
    """Let `peak_memory` begin anew; does nothing where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory() -> int | None:
    """The most bytes that were resident since `reset_peak`, or None where the system does not say."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None
