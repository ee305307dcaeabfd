"""splintr: tokenizer.json in Rust."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    import splintr

    tokenizer = splintr.from_json(str(Path(directory) / "tokenizer.json"))
    return tokenizer.encode_raw, lambda ids: tokenizer.decode_with_special(list(ids))
