"""One file of a text, or one data set of the hub, that can be read apart from the others, on any machine."""

from collections.abc import Iterator
from dataclasses import dataclass

from vocabx.corpus.convert import Converter
from vocabx.corpus.document import Document
from vocabx.corpus.formats import Source, size_of
from vocabx.corpus.read_text import read_source
from vocabx.corpus.skipped import Skipped


@dataclass(frozen=True)
class Shard:
    """A part of a text.

    Attributes:
        source: what is read.
        text_field: the field or column with the text of records.
        opencc: an OpenCC configuration to convert the text with, or "".
        tolerated: whether it may be damaged, see `read_documents`.
    """

    source: Source
    text_field: str
    opencc: str
    tolerated: bool

    @property
    def bytes(self) -> int:
        """Its size, 0 where that is not known."""
        return 0 if isinstance(self.source, str) else size_of(self.source) or 0

    def documents(self, skipped: Skipped) -> Iterator[Document]:
        """The documents; `skipped` counts what is left out."""
        found = read_source(self.source, self.text_field, skipped, self.tolerated)
        return Converter(self.opencc).documents(found) if self.opencc else found
