"""The directory for files that vocabx can recreate, in the user's cache."""

import os
from pathlib import Path


def cache_directory() -> Path:
    """VOCABX_CACHE if set, else vocabx in XDG_CACHE_HOME or ~/.cache. Not created here."""
    if chosen := os.environ.get("VOCABX_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vocabx"
