"""tiktoken files: one token per line, in base64, with its rank. They lack the pre-tokenizer's pattern."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path

from vocabx.errors import TokenizerError


def is_tiktoken(path: Path) -> bool:
    """Whether the first line is a base64 token and a number."""
    with path.open("rb") as file:
        fields = file.readline(4096).split()
    try:
        return len(fields) == 2 and fields[1].isdigit() and bool(base64.b64decode(fields[0], validate=True))
    except binascii.Error:
        return False


def read_tiktoken(path: Path) -> list[bytes]:
    """The tokens of a tiktoken file in rank order.

    Raises:
        TokenizerError: a line is damaged.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except ValueError:  # Includes binascii.Error.
            raise TokenizerError(
                f"{path}, line {number}: not a token and its rank: download the file again"
            ) from None
    return sorted(ranks, key=ranks.__getitem__)


def write_tiktoken(path: Path, ranks: Mapping[bytes, int]) -> None:
    """Write tokens with their ranks, in the order of these.

    Args:
        path: the file to write.
        ranks: the rank of each token, which is its id.
    """
    with path.open("wb") as file:
        for token, rank in sorted(ranks.items(), key=lambda one: one[1]):
            file.write(base64.b64encode(token) + b" %d\n" % rank)
