"""transformers, as AutoTokenizer loads a directory."""

from collections.abc import Callable, Sequence
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)

    def encode(text: str) -> Any:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    def decode(ids: Sequence[int]) -> Any:
        return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    return encode, decode
