"""CTranslate2: the vocabulary that its converter writes beside the weights.

It takes tokens as strings, which transformers makes; an id is then the position in that vocabulary.
"""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from ctranslate2.converters import transformers as converter
    from transformers import AutoConfig, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    config = AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    kind = type(config).__name__
    known = converter._MODEL_LOADERS
    if kind not in known:
        raise ValueError(f"no conversion is registered for the model configuration {kind}")
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    vocabulary = known[kind].get_vocabulary(SimpleNamespace(config=text), tokenizer)
    positions = {token: position for position, token in enumerate(vocabulary)}

    def encode(text: str) -> list[int]:
        tokens = tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"])
        return [positions[token] for token in tokens]

    def decode(ids: Sequence[int]) -> Any:
        tokens = [vocabulary[index] for index in ids]
        own = tokenizer.convert_tokens_to_ids(tokens)
        return tokenizer.decode(own, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    return encode, decode
