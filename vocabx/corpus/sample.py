"""A seeded sample of a stream of documents, split into text to learn from and held-out text.

Both samples are bottom-k by a keyed hash of the content: every text gets a pseudo-random priority, and the
texts of lowest priority that fit the budget are kept. So one pass is enough, memory is bounded by the budget
rather than the corpus, the order of files does not matter, and exact duplicates coincide.
"""

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import regex

from vocabx.corpus.clean import clean
from vocabx.corpus.document import Document
from vocabx.corpus.passages import passages
from vocabx.corpus.scripts import letter_pattern, letters_of
from vocabx.errors import CorpusError
from vocabx.progress import Advance

# Holding out more of a small corpus would hurt learning.
_HELDOUT_SHARE = 0.1
_SECTION_BYTES = 3000
_LINE_BYTES = 1000


@dataclass(frozen=True)
class Corpus:
    """Text for learning and for measurements.

    Attributes:
        learning: distinct lines to learn from; a long line is split into pieces of at most 1,000 bytes.
        heldout: distinct sections of text, none of whose lines (or pieces of long lines) is in `learning`.
        heldout_whole_documents: True if no document contributes to both sides; False if the corpus has too
            few documents for that, and only the sections themselves are kept apart.
        documents: number of documents read.
        bytes_read: UTF-8 bytes of cleaned text read.
        script_share: share of the letters read that are in the language's scripts.
        heldout_documents: digests of the documents that the held-out sections come from.
        sources: the source of each line of `learning`, see `Document`; a line of several is of one of them.
    """

    learning: tuple[str, ...]
    heldout: tuple[str, ...]
    heldout_whole_documents: bool
    documents: int
    bytes_read: int
    script_share: float
    heldout_documents: frozenset[bytes] = frozenset()
    sources: tuple[str, ...] = ()

    def without_heldout(self, text: str) -> str:
        """The part of a cleaned document that may be learned from: without what `sample_corpus` holds out."""
        if _digest(text.encode()) not in self.heldout_documents:
            return text
        if self.heldout_whole_documents:
            return ""
        sections = passages(text, _SECTION_BYTES)
        return "".join(section for section in sections if not self._lines_of_heldout & {*_lines(section)})

    @cached_property
    def _lines_of_heldout(self) -> frozenset[str]:
        # Every text contains blank lines.
        return frozenset(line for section in self.heldout for line in _lines(section) if line.strip())


@dataclass(frozen=True, order=True)
class _Entry:
    """A text in a heap whose root has the highest priority value and is dropped first."""

    negative_priority: int
    text: str

    @property
    def size(self) -> int:
        return len(self.text.encode())


@dataclass(frozen=True, order=True)
class _Origin:
    """The document that a text comes from: the digest of its content, its size in bytes, and its source."""

    digest: bytes
    size: int
    source: str


class _BottomK:
    """The texts of lowest priority value whose sizes add up to about `budget` bytes."""

    def __init__(self, budget: int, key: bytes) -> None:
        self.budget, self.key, self.size = budget, key, 0
        self.heap: list[_Entry] = []
        self.origins: dict[int, _Origin] = {}

    def add(self, text: str, origin: _Origin) -> None:
        """Offer `text`, which is kept while its priority is among the lowest within the budget."""
        digest = hashlib.blake2b(text.encode(), digest_size=8, key=self.key).digest()
        priority = int.from_bytes(digest, "big")
        if priority in self.origins:
            # A text that several documents share is assigned to one of them, independent of their order.
            self.origins[priority] = min(self.origins[priority], origin)
            return
        if self.size >= self.budget and (not self.heap or priority > -self.heap[0].negative_priority):
            return
        entry = _Entry(-priority, text)
        heapq.heappush(self.heap, entry)
        self.origins[priority] = origin
        self.size += entry.size
        while self.heap and self.size - self.heap[0].size >= self.budget:
            dropped = heapq.heappop(self.heap)
            del self.origins[-dropped.negative_priority]
            self.size -= dropped.size

    def texts(self) -> list[tuple[str, _Origin]]:
        """The kept texts and their documents, lowest priority value first."""
        ordered = sorted(self.heap, reverse=True)
        return [(entry.text, self.origins[-entry.negative_priority]) for entry in ordered]


def sample_corpus(
    documents: Iterable[Document],
    scripts: Iterable[str],
    learn_bytes: int,
    heldout_bytes: int,
    seed: int,
    advance: Advance | None = None,
) -> Corpus:
    """Clean `documents`, and draw lines to learn from and sections to hold out.

    A section is up to 3,000 bytes of consecutive sentences of one document. Held-out sections make up at most
    a tenth of the corpus, its `learn_only` documents aside, of which nothing is held out. Learning lines that
    occur in a held-out section are removed, and so are all lines of the documents these come from, unless
    those documents are more than a tenth of the corpus. A text that several documents share is assigned to
    one of them. From a corpus of a few lines nothing is held out.

    Args:
        documents: any number of documents, read once.
        scripts: Unicode script names; a line or section must contain a letter of one of them.
        learn_bytes: UTF-8 bytes of learning lines wanted (all lines if the stream has fewer).
        heldout_bytes: UTF-8 bytes of held-out sections wanted.
        seed: changes which lines and sections are drawn.
        advance: called with the bytes read from the source.

    Raises:
        CorpusError: there is no text, or no letter of the scripts in it.
    """
    scripts = tuple(scripts)
    in_script = letter_pattern(scripts)
    runs_in_script = regex.compile(f"{in_script.pattern}++", regex.V1)
    key = seed.to_bytes(8, "big", signed=True)
    learning, heldout = _BottomK(learn_bytes, key), _BottomK(heldout_bytes, key + b"heldout")
    count = total = running = letters = scripted = 0
    position: tuple[str, int] = ("", 0)
    for document in documents:
        if advance is not None:
            before = position[1] if position[0] == document.source else 0
            position = (document.source, document.bytes_read)
            advance(document.bytes_read - before)
        text = clean(document.text)
        encoded = text.encode()
        count += 1
        total += len(encoded)
        running += 0 if document.learn_only else len(encoded)
        found = "".join(runs_in_script.findall(text))
        # Without marks; most scripts have none. Python's database lacks the letters of newer scripts.
        scripted += len(found) if found.isalpha() else letters_of(found)
        letters += letters_of(text)
        if not found:
            continue
        origin = _Origin(_digest(encoded), len(encoded), document.source)
        for section in passages(text, _SECTION_BYTES):
            if not document.learn_only and in_script.search(section):
                heldout.add(section, origin)
            for line in _lines(section):
                if in_script.search(line):
                    learning.add(line, origin)
    if not total:
        raise CorpusError("the corpus holds no text: every document is empty after cleaning")
    if not scripted:
        raise CorpusError(
            f"the corpus holds no letter of {' or '.join(scripts)} script: check --lang and --corpus"
        )
    kept = _fitting(heldout.texts(), int(running * _HELDOUT_SHARE), in_script)
    apart = {origin.digest: origin.size for origin in kept.values()}
    whole = sum(apart.values()) <= running * _HELDOUT_SHARE
    seen = {line for section in kept for line in _lines(section)}
    learned = [
        (line, origin.source)
        for line, origin in learning.texts()
        if line not in seen and not (whole and origin.digest in apart)
    ]
    return Corpus(
        learning=tuple(line for line, _ in learned),
        heldout=tuple(kept),
        heldout_whole_documents=whole,
        documents=count,
        bytes_read=total,
        script_share=scripted / max(1, letters),
        heldout_documents=frozenset(apart),
        sources=tuple(source for _, source in learned),
    )


def _fitting(
    sections: Iterable[tuple[str, _Origin]], room: int, in_script: "regex.Pattern[str]"
) -> dict[str, _Origin]:
    """The first sections that fit into `room` bytes; the last one may be truncated after one of its lines."""
    kept: dict[str, _Origin] = {}
    for section, origin in sections:
        head = section
        while len(head.encode()) > room:
            head = head.rstrip("\n").rpartition("\n")[0]
        if in_script.search(head):
            kept[head] = origin
            room -= len(head.encode())
        if kept and head != section:
            break
    return kept


def _digest(encoded: bytes) -> bytes:
    """A digest that identifies a document."""
    return hashlib.blake2b(encoded, digest_size=8).digest()


def _lines(section: str) -> list[str]:
    """The lines of a section, long lines split the same way for both samples, so that they are comparable."""
    return [piece for line in section.split("\n") for piece in passages(line, _LINE_BYTES)]
