"""llama.cpp as llama-cpp-python brings it: the vocabulary of a .gguf file."""

from collections.abc import Callable, Sequence
from typing import Any


def load(path: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`; `path` is the .gguf file."""
    from llama_cpp import Llama

    model = Llama(model_path=path, vocab_only=True, verbose=False)
    return (
        lambda text: model.tokenize(text.encode(), add_bos=False, special=True),
        lambda ids: model.detokenize(list(ids), special=True),
    )
