"""The content of a vector file, compressed or not."""

import gzip
from pathlib import Path
from typing import BinaryIO, cast


def open_content(path: Path) -> BinaryIO:
    """Open a file for reading bytes, decompressing it if it is gzip."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb") if packed else path.open("rb"))
