"""Hashes of the character n-grams of many texts at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
# Odd, with about as many ones as zeros: no character is lost in a polynomial modulo 2^64.
_FACTOR = 0x9E3779B97F4A7C15


def ngram_hashes(texts: Sequence[str], size: int) -> tuple[Hashes, NDArray[np.int64]]:
    """Hash every run of `size` characters within each text.

    Args:
        texts: the texts; one of fewer than `size` characters has no n-grams.
        size: characters of an n-gram, at least 1.

    Returns:
        The hashes of all texts one after another, uint64 (n-grams,), and where those of each text begin,
        with their number at the end, int64 (texts + 1,).
    """
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    counts = np.maximum(lengths - size + 1, 0)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    begins = np.cumsum(lengths) - lengths
    where = np.repeat(begins - offsets[:-1], counts) + np.arange(offsets[-1])
    return _mixed(_polynomials(codes, size)[where]), offsets


def _polynomials(codes: Hashes, size: int) -> Hashes:
    """The polynomial of every run of `size` codes, put together from runs of powers of two."""
    if len(codes) < size:
        return codes[:0]
    result: Hashes | None = None
    taken, run, length = 0, codes, 1
    while True:
        if size & length:
            part = run[taken:]
            if result is None:
                result = part
            else:
                result = result[: len(part)] * np.uint64(pow(_FACTOR, length, 1 << 64)) + part
            taken += length
        if taken == size:
            return result[: len(codes) - size + 1] if result is not None else codes[:0]
        run = run[:-length] * np.uint64(pow(_FACTOR, length, 1 << 64)) + run[length:]
        length *= 2


def _mixed(values: Hashes) -> Hashes:
    """The values with their bits mixed, so that the high ones and the low ones are equally good."""
    values = values ^ (values >> np.uint64(32))
    values = values * np.uint64(0xD6E8FEB86659FD93)
    mixed: Hashes = values ^ (values >> np.uint64(32))
    return mixed
