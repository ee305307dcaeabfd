"""gigatoken: tokenizer.json in Rust."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from gigatoken import Tokenizer

    tokenizer = Tokenizer(str(Path(directory) / "tokenizer.json"))
    return tokenizer.encode, lambda ids: tokenizer.decode(list(ids))
