"""openvino-tokenizers: two OpenVINO models, made of what transformers loads."""

from collections.abc import Callable, Sequence
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    import numpy as np
    import openvino
    from openvino_tokenizers import convert_tokenizer
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    made = convert_tokenizer(
        tokenizer,
        with_detokenizer=True,
        add_special_tokens=False,
        skip_special_tokens=False,
        clean_up_tokenization_spaces=False,
    )
    encoder, decoder = (openvino.compile_model(model, "CPU") for model in made)

    def encode(text: str) -> Any:
        return encoder([text])["input_ids"][0]

    def decode(ids: Sequence[int]) -> Any:
        return decoder(np.array([ids], dtype=np.int64))["string_output"][0] if ids else ""

    return encode, decode
