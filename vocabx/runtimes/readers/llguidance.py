"""llguidance: the ids of a text, and the bytes that it takes each id for."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from llguidance import LLTokenizer

    tokenizer = LLTokenizer(str(Path(directory) / "tokenizer.json"))

    def encode(text: str) -> Any:
        return tokenizer.tokenize_str(text, parse_special=True)

    return encode, lambda ids: tokenizer.decode_bytes(list(ids))
