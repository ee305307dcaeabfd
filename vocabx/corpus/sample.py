"""A seeded sample of a stream of documents, split into text to learn from and held-out text.

Both samples are bottom-k by a keyed hash of the content: every text gets a pseudo-random priority, and the
texts of lowest priority that fit the budget are kept. So one pass is enough, memory is bounded by the budget
rather than the corpus, the order of files does not matter, and exact duplicates coincide.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import regex

from vocabx.corpus.bottom_k import BottomK, Origin
from vocabx.corpus.character_counts import CharacterCounts
from vocabx.corpus.clean import clean
from vocabx.corpus.detect_language import describe
from vocabx.corpus.document import Document
from vocabx.corpus.passages import passages
from vocabx.corpus.scripts import LETTERS, letter_pattern
from vocabx.errors import CorpusError
from vocabx.progress import Advance

# Holding out more of a small corpus would hurt learning.
_HELDOUT_SHARE = 0.1
_SECTION_BYTES = 3000
_LINE_BYTES = 1000
# Characters that tell what a text is, where it is not what it should be.
_BEGIN = 1000


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


class Sampler:
    """What is kept of the documents read so far: two samples and a few counts, all of which merge exactly.

    See `sample_corpus` for what they are and for the arguments.
    """

    def __init__(self, scripts: Iterable[str], learn_bytes: int, heldout_bytes: int, seed: int) -> None:
        self.scripts = tuple(scripts)
        key = seed.to_bytes(8, "big", signed=True)
        self._in_script = letter_pattern(self.scripts)
        self._learning, self._heldout = BottomK(learn_bytes, key), BottomK(heldout_bytes, key + b"heldout")
        self._documents = self._total = self._running = 0
        self._characters = CharacterCounts()
        # The beginning of a document without a letter of the scripts: the least one, whatever the order.
        self._foreign = ""

    def add(self, text: str, learn_only: bool = False, source: str = "") -> None:
        """Take in a document of a source, which is cleaned here."""
        text = clean(text)
        encoded = text.encode()
        self._documents += 1
        self._total += len(encoded)
        self._running += 0 if learn_only else len(encoded)
        self._characters.add(text)
        if not self._in_script.search(text):
            begin = text[:_BEGIN]
            if LETTERS.search(begin) and (not self._foreign or begin < self._foreign):
                self._foreign = begin
            return
        origin = Origin(_digest(encoded), len(encoded), source)
        for section in passages(text, _SECTION_BYTES):
            if not learn_only:
                self._offer(self._heldout, section, origin)
            for line in section.split("\n"):
                # So short a line is within the limit however many bytes its characters take.
                for piece in (line,) if len(line) <= _LINE_BYTES // 4 else passages(line, _LINE_BYTES):
                    self._offer(self._learning, piece, origin)

    def _offer(self, sample: BottomK, text: str, origin: Origin) -> None:
        encoded = text.encode()
        priority = sample.priority(encoded)
        if priority is not None and self._in_script.search(text):
            sample.keep(priority, text, len(encoded), origin)

    def merge(self, other: "Sampler") -> None:
        """Take in what was kept of other documents."""
        self._learning.merge(other._learning)
        self._heldout.merge(other._heldout)
        self._documents += other._documents
        self._total += other._total
        self._running += other._running
        self._characters.merge(other._characters)
        self._foreign = min(filter(None, (self._foreign, other._foreign)), default="")

    def corpus(self) -> Corpus:
        """Both samples, apart from each other.

        Raises:
            CorpusError: there is no text, or no letter of the scripts in it.
        """
        if not self._total:
            raise CorpusError("the corpus holds no text: every document is empty after cleaning")
        letters, scripted = self._characters.letters(self._in_script)
        if not scripted:
            found = describe(self._foreign)
            what = f"; the text is {found}" if found else ""
            raise CorpusError(
                f"the corpus holds no letter of {' or '.join(self.scripts)} script: check --lang and --corpus"
                f"{what}"
            )
        room = int(self._running * _HELDOUT_SHARE)
        kept = _fitting(self._heldout.texts(), room, self._in_script)
        apart = {origin.digest: origin.size for origin in kept.values()}
        whole = sum(apart.values()) <= self._running * _HELDOUT_SHARE
        seen = {line for section in kept for line in _lines(section)}
        learned = [
            (line, origin.source)
            for line, origin in self._learning.texts()
            if line not in seen and not (whole and origin.digest in apart)
        ]
        return Corpus(
            learning=tuple(line for line, _ in learned),
            heldout=tuple(kept),
            heldout_whole_documents=whole,
            documents=self._documents,
            bytes_read=self._total,
            script_share=scripted / max(1, letters),
            heldout_documents=frozenset(apart),
            sources=tuple(source for _, source in learned),
        )


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
    sampler = Sampler(scripts, learn_bytes, heldout_bytes, seed)
    position: tuple[str, int] = ("", 0)
    for document in documents:
        if advance is not None:
            before = position[1] if position[0] == document.source else 0
            position = (document.source, document.bytes_read)
            advance(document.bytes_read - before)
        sampler.add(document.text, document.learn_only, document.source)
    return sampler.corpus()


def _fitting(
    sections: Iterable[tuple[str, Origin]], room: int, in_script: "regex.Pattern[str]"
) -> dict[str, Origin]:
    """The first sections that fit into `room` bytes; the last one may be truncated after one of its lines."""
    kept: dict[str, Origin] = {}
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
