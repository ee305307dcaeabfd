"""Kitoken: tokenizer.json in Rust."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from kitoken import Kitoken

    tokenizer = Kitoken.from_tokenizers_file(str(Path(directory) / "tokenizer.json"))
    return lambda text: tokenizer.encode(text, True), lambda ids: tokenizer.decode(list(ids), True)
