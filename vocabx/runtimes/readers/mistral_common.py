"""mistral-common: the SentencePiece model of a Mistral directory, under a name that states its version."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def load(directory: str) -> tuple[Callable[[str], Any], Callable[[Sequence[int]], Any]]:
    """See `vocabx.runtimes.readers`."""
    from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy
    from mistral_common.tokens.tokenizers.sentencepiece import SentencePieceTokenizer

    model = Path(directory) / "tokenizer.model"
    if not model.is_file():
        raise FileNotFoundError("there is no tokenizer.model in the directory")
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / "tokenizer.model.v1"
        named.write_bytes(model.read_bytes())
        tokenizer = SentencePieceTokenizer(str(named))
    return (
        lambda text: tokenizer.encode(text, bos=False, eos=False),
        lambda ids: tokenizer.decode(list(ids), SpecialTokenPolicy.IGNORE),
    )
