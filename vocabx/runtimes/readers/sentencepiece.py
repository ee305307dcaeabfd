"""SentencePiece: the .model file, in which a literal special token is plain text."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from sentencepiece import SentencePieceProcessor

    names = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
    found = [path for name in names if (path := Path(directory) / name).is_file()]
    if not found:
        raise FileNotFoundError("there is no SentencePiece model in the directory")
    model = SentencePieceProcessor(model_file=str(found[0]))
    return model.encode, lambda ids: model.decode(list(ids))
