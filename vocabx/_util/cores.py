"""How many processor cores there are to use."""

import os


def usable_cores() -> int:
    """The cores that this process may run on, at least 1."""
    # macOS and Windows have no affinity.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
