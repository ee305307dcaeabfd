"""A silent transformers, for the stages that run it under their own progress."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from vocabx.extras import need


@contextmanager
def quiet_transformers(extra: str) -> Iterator[None]:
    """Turn off the progress bars and advice of transformers inside the block, and restore them after it.

    Args:
        extra: the extra of vocabx to name when transformers is not installed.
    """
    logging = need("transformers.utils.logging", extra)
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
