"""Text in, cleaned and sampled text out. Knows nothing of tokens."""

from vocabx.corpus.convert import Converter
from vocabx.corpus.packaged import read_packaged
from vocabx.corpus.read import Document, read_documents, resolve_sources
from vocabx.corpus.sample import Corpus, sample_corpus

__all__ = [
    "Converter",
    "Corpus",
    "Document",
    "read_documents",
    "read_packaged",
    "resolve_sources",
    "sample_corpus",
]
