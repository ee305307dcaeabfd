"""xgrammar: the bytes that it takes each id for, against which it matches a grammar. It encodes nothing."""

from collections.abc import Callable, Sequence
from typing import Any


def load(directory: str) -> tuple[None, Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    import xgrammar
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    known = xgrammar.TokenizerInfo.from_huggingface(tokenizer).decoded_vocab
    # A special token stands for no bytes there.
    names = {index: str(token).encode() for index, token in tokenizer.added_tokens_decoder.items()}

    def decode(ids: Sequence[int]) -> bytes:
        return b"".join(names.get(index) or known[index] for index in ids)

    return None, decode
