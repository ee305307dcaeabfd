"""tokie: tokenizer.json in Rust."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from tokie import Tokenizer

    tokenizer = Tokenizer.from_json(str(Path(directory) / "tokenizer.json"))

    def encode(text: str) -> Any:
        return tokenizer.encode(text, add_special_tokens=False).ids

    return encode, lambda ids: tokenizer.decode(list(ids))
