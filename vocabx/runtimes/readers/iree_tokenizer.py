"""iree-tokenizer: tokenizer.json in C."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from iree.tokenizer import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(directory) / "tokenizer.json"))
    return tokenizer.encode, lambda ids: tokenizer.decode(list(ids), skip_special_tokens=False)
