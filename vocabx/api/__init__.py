"""The parts of vocabx one by one, for research and for other tools: documented in docs/api.md.

    from vocabx.api import add_tokens, initialize, learn_tokens, open_base, read_text, write_checkpoint

    base = open_base("smollm2")
    lines = read_text("zh-Hant", learn_bytes=1_000_000).learning
    learned = learn_tokens(base.tokenizer, lines, "zh-Hant", new_tokens=1000)
    extension = add_tokens(base.tokenizer, learned, first_id=base.first_id)
    initialization = initialize("zip-tie", base.embeddings, extension.pieces, old_rows=base.tokens)
    write_checkpoint("extended", base, extension, initialization, language="zh-Hant")

No model is loaded and nothing is printed. Names load when they are first used. What a caller can cause
raises a `VocabxError`, in one sentence.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vocabx.api.base_model import BaseModel, open_base
    from vocabx.api.initialization import initialize
    from vocabx.api.output import write_checkpoint
    from vocabx.api.text import read_text
    from vocabx.api.tokens import add_tokens, learn_tokens, tokenize_text
    from vocabx.api.verification import verify_tokenizers
    from vocabx.corpus.sample import Corpus
    from vocabx.initializers.inputs import LINE_END, TokenVectors
    from vocabx.initializers.options import InitializerOptions
    from vocabx.initializers.registry import INITIALIZERS
    from vocabx.mixture.draws import Draws
    from vocabx.mixture.factorise import Factors, factorise
    from vocabx.mixture.initialization import Initialization
    from vocabx.mixture.mixture import Mixture, from_entries, from_rows
    from vocabx.tokenizer.alphabet import Alphabet
    from vocabx.tokenizer.certificate import Certificate, Claim
    from vocabx.tokenizer.extension import Extension
    from vocabx.tokenizer.fast import FastTokenizer
    from vocabx.tokenizer.merges import Merge
    from vocabx.tokenizer.read_tokenizer import read_tokenizer
    from vocabx.tokenizer.select import Selection

_WHERE = {
    "Alphabet": "vocabx.tokenizer.alphabet",
    "BaseModel": "vocabx.api.base_model",
    "Certificate": "vocabx.tokenizer.certificate",
    "Claim": "vocabx.tokenizer.certificate",
    "Corpus": "vocabx.corpus.sample",
    "Draws": "vocabx.mixture.draws",
    "Extension": "vocabx.tokenizer.extension",
    "Factors": "vocabx.mixture.factorise",
    "FastTokenizer": "vocabx.tokenizer.fast",
    "INITIALIZERS": "vocabx.initializers.registry",
    "Initialization": "vocabx.mixture.initialization",
    "InitializerOptions": "vocabx.initializers.options",
    "LINE_END": "vocabx.initializers.inputs",
    "Merge": "vocabx.tokenizer.merges",
    "Mixture": "vocabx.mixture.mixture",
    "Selection": "vocabx.tokenizer.select",
    "TokenVectors": "vocabx.initializers.inputs",
    "add_tokens": "vocabx.api.tokens",
    "factorise": "vocabx.mixture.factorise",
    "from_entries": "vocabx.mixture.mixture",
    "from_rows": "vocabx.mixture.mixture",
    "initialize": "vocabx.api.initialization",
    "learn_tokens": "vocabx.api.tokens",
    "open_base": "vocabx.api.base_model",
    "read_text": "vocabx.api.text",
    "read_tokenizer": "vocabx.tokenizer.read_tokenizer",
    "tokenize_text": "vocabx.api.tokens",
    "verify_tokenizers": "vocabx.api.verification",
    "write_checkpoint": "vocabx.api.output",
}

__all__ = [
    "INITIALIZERS",
    "LINE_END",
    "Alphabet",
    "BaseModel",
    "Certificate",
    "Claim",
    "Corpus",
    "Draws",
    "Extension",
    "Factors",
    "FastTokenizer",
    "Initialization",
    "InitializerOptions",
    "Merge",
    "Mixture",
    "Selection",
    "TokenVectors",
    "add_tokens",
    "factorise",
    "from_entries",
    "from_rows",
    "initialize",
    "learn_tokens",
    "open_base",
    "read_text",
    "read_tokenizer",
    "tokenize_text",
    "verify_tokenizers",
    "write_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'vocabx.api' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
