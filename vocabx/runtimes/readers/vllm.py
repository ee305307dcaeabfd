"""vLLM: the tokenizer that its engine makes of a directory."""

from collections.abc import Callable, Sequence
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from vllm.tokenizers import get_tokenizer

    tokenizer = get_tokenizer(directory)
    return (
        lambda text: tokenizer.encode(text, add_special_tokens=False),
        lambda ids: tokenizer.decode(list(ids), skip_special_tokens=False),
    )
