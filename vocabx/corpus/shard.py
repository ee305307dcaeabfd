"""Parts of a text that can be read apart, on any machine: files, parts of them, data sets of the hub."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from vocabx.corpus.convert import Converter
from vocabx.corpus.document import Document
from vocabx.corpus.formats import Source, size_of
from vocabx.corpus.parts import Part, parts_of
from vocabx.corpus.processes import cores
from vocabx.corpus.read_text import read_source
from vocabx.corpus.skipped import Skipped

# Bytes below which starting processes takes longer than they save.
LARGE = 64 << 20


@dataclass(frozen=True)
class Shard:
    """A part of a text.

    Attributes:
        source: what is read.
        text_field: the field or column with the text of records.
        opencc: an OpenCC configuration to convert the text with, or "".
        tolerated: whether it may be damaged, see `read_documents`.
        part: the part of the file that is read; None for all of it.
    """

    source: Source
    text_field: str
    opencc: str
    tolerated: bool
    part: Part | None = None

    @property
    def bytes(self) -> int:
        """Its size, 0 where that is not known."""
        if isinstance(self.source, str):
            return 0
        return size_of(self.source) or 0 if self.part is None else self.part.bytes_of(self.source)

    @property
    def shared(self) -> bool:
        """Whether other processes can read it."""
        return not str(self.source).startswith("memory:")

    def documents(self, skipped: Skipped) -> Iterator[Document]:
        """The documents; `skipped` counts what is left out."""
        found = read_source(self.source, self.text_field, skipped, self.tolerated, self.part)
        return Converter(self.opencc).documents(found) if self.opencc else found


def divided(shards: Iterable[Shard]) -> list[Shard]:
    """The shards, with the parts of a large file in its place where it can be divided; see `parts`."""
    return [replace(shard, part=part) for shard in shards for part in parts_of(shard.source)]


def worth_dividing(shards: Sequence[Shard]) -> bool:
    """Whether several processes of this machine read these sooner than one does."""
    large = sum(shard.bytes for shard in shards) >= LARGE
    return large and cores() > 1 and all(shard.shared for shard in shards)
