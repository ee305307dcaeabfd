"""onnxruntime-extensions: its reader of tokenizer.json, which the stated tokenizer class steers."""

from collections.abc import Callable, Sequence
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from onnxruntime_extensions.pp_api import Tokenizer

    tokenizer = Tokenizer(directory)
    tokenizer.update_options({"add_special_tokens": False, "skip_special_tokens": False})

    def decode(ids: Sequence[int]) -> Any:
        return tokenizer.detokenize(list(ids))[0] if ids else ""

    return tokenizer.tokenize, decode
