"""Libraries that talk: gensim and jieba log to stderr, which belongs to our own progress."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_gensim() -> Iterator[None]:
    """Keep gensim's log and its warnings quiet inside the block."""
    logger = logging.getLogger("gensim")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
