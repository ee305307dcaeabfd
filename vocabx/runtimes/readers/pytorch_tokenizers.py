"""pytorch-tokenizers: tokenizer.json in C++, as ExecuTorch reads it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from pytorch_tokenizers import CppHFTokenizer

    tokenizer = CppHFTokenizer()
    tokenizer.load(str(Path(directory) / "tokenizer.json"))
    return lambda text: tokenizer.encode(text, 0, 0), lambda ids: tokenizer.decode_batch(list(ids))
