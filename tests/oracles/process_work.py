"""Work for processes that ends badly."""

import os
import signal
from pathlib import Path

from vocabx.errors import CorpusError


def dying_once(item, advance, marker):
    """The item, by a process that is killed at item 4 unless `marker` is there; it is made if it can be."""
    advance(1 << 30)
    if item == 4 and not Path(marker).exists():
        if Path(marker).parent.is_dir():
            Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    advance(item - (1 << 30))
    return item


def failing(item, advance):
    raise CorpusError(f"this one, {item}")
