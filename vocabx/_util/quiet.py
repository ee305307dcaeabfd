"""Silences transformers for stages that report their own progress."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR, getLogger

from vocabx._util.extras import need


@contextmanager
def quiet_transformers(extra: str) -> Iterator[None]:
    """Turn off the progress bars and advice of transformers inside the block, and restore them after it.

    Args:
        extra: the extra of vocabx to name when transformers is not installed.
    """
    logging = need("transformers.utils.logging", extra)
    # bitsandbytes recommends a package that speeds up 4-bit weights on CPUs but needs the hub.
    bitsandbytes = getLogger("bitsandbytes")
    level = bitsandbytes.level
    bitsandbytes.setLevel(ERROR)
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        bitsandbytes.setLevel(level)
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
