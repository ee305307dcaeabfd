"""A seeded sample of a stream of documents, split into text to learn from and text held out.

Both samples are bottom-k by a keyed hash of the content: every text gets a pseudo-random priority, and
the texts of lowest priority that fit the budget stay. So one pass suffices, memory is the budget and
not the corpus, the order of files does not matter, and exact duplicates meet in the same place.
"""

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from vocabx.corpus.clean import clean
from vocabx.corpus.passages import passages
from vocabx.corpus.read import Document
from vocabx.errors import CorpusError
from vocabx.progress import Advance
from vocabx.scripts import letter_pattern, letters_of

# More than a tenth of a small corpus would be missed in learning.
_HELDOUT_SHARE = 0.1
_SECTION_BYTES = 6000
_LINE_BYTES = 1000


@dataclass(frozen=True)
class Corpus:
    """Text ready for learning and measuring.

    Attributes:
        learning: distinct lines to learn from; a long line is several pieces of at most 1,000 bytes.
        heldout: distinct sections of text, none of whose lines (long ones: pieces) is in `learning`.
        heldout_whole_documents: True when no document gave text to both sides; False when the corpus has
            too few documents for that, and only the sections themselves are kept apart.
        documents: documents read.
        bytes_read: UTF-8 bytes of cleaned text read.
        script_share: share of the letters read that are in the language's scripts.
    """

    learning: tuple[str, ...]
    heldout: tuple[str, ...]
    heldout_whole_documents: bool
    documents: int
    bytes_read: int
    script_share: float


@dataclass(frozen=True, order=True)
class _Entry:
    """One text in a heap whose root has the highest priority value, the first to be dropped."""

    negative_priority: int
    text: str
    document: int

    @property
    def size(self) -> int:
        return len(self.text.encode())


class _BottomK:
    """The texts of lowest priority value whose sizes sum to about `budget` bytes."""

    def __init__(self, budget: int, key: bytes) -> None:
        self.budget, self.key, self.size = budget, key, 0
        self.heap: list[_Entry] = []
        self.present: set[int] = set()

    def add(self, text: str, document: int) -> None:
        """Offer `text`: it stays while its priority is among the lowest within the budget."""
        digest = hashlib.blake2b(text.encode(), digest_size=8, key=self.key).digest()
        priority = int.from_bytes(digest, "big")
        if priority in self.present:
            return
        if self.size >= self.budget and priority > -self.heap[0].negative_priority:
            return
        entry = _Entry(-priority, text, document)
        heapq.heappush(self.heap, entry)
        self.present.add(priority)
        self.size += entry.size
        self.shrink(self.budget)

    def shrink(self, budget: int) -> None:
        """Drop texts of highest priority value while `budget` bytes remain without them."""
        while self.heap and self.size - self.heap[0].size >= budget:
            dropped = heapq.heappop(self.heap)
            self.present.discard(-dropped.negative_priority)
            self.size -= dropped.size

    def entries(self) -> list[_Entry]:
        """The texts kept, lowest priority value first."""
        return sorted(self.heap, reverse=True)


def sample_corpus(
    documents: Iterable[Document],
    scripts: Iterable[str],
    learn_bytes: int,
    heldout_bytes: int,
    seed: int,
    advance: Advance | None = None,
) -> Corpus:
    """Clean `documents` and draw lines to learn from and sections to hold out.

    A section is up to 6,000 bytes of consecutive sentences of one document. The held-out sections take
    at most a tenth of the corpus. Learning lines that occur in one of them are removed, and so are all
    lines of the documents they come from, unless those documents are more than a tenth of the corpus.

    Args:
        documents: any number of documents, read once.
        scripts: Unicode script names; a line or a section needs one letter of them.
        learn_bytes: UTF-8 bytes of learning lines wanted (all lines when the stream has fewer).
        heldout_bytes: UTF-8 bytes of held-out sections wanted.
        seed: changes which lines and sections are drawn.
        advance: called with bytes of source consumed.

    Raises:
        CorpusError: nothing to read, or no letter of the scripts in it.
    """
    scripts = tuple(scripts)
    in_script = letter_pattern(scripts)
    key = seed.to_bytes(8, "big", signed=True)
    learning, heldout = _BottomK(learn_bytes, key), _BottomK(heldout_bytes, key + b"heldout")
    sizes: list[int] = []
    letters = scripted = 0
    position: tuple[str, int] = ("", 0)
    for document in documents:
        if advance is not None:
            before = position[1] if position[0] == document.source else 0
            position = (document.source, document.bytes_read)
            advance(document.bytes_read - before)
        text = clean(document.text)
        found = len(in_script.findall(text))
        scripted += found
        letters += letters_of(text)
        sizes.append(len(text.encode()))
        if not found:
            continue
        for section in passages(text, _SECTION_BYTES):
            if in_script.search(section):
                heldout.add(section, len(sizes))
            for line in _lines(section):
                if in_script.search(line):
                    learning.add(line, len(sizes))
    total = sum(sizes)
    if not total:
        raise CorpusError("the corpus holds no text: every document is empty after cleaning")
    if not scripted:
        raise CorpusError(
            f"the corpus holds no letter of {' or '.join(scripts)} script: check --lang and --corpus"
        )
    heldout.shrink(int(total * _HELDOUT_SHARE))
    kept = heldout.entries()
    apart = {entry.document for entry in kept}
    whole = sum(sizes[number - 1] for number in apart) <= total * _HELDOUT_SHARE
    seen = {line for entry in kept for line in _lines(entry.text)}
    lines = tuple(
        entry.text
        for entry in learning.entries()
        if entry.text not in seen and not (whole and entry.document in apart)
    )
    return Corpus(lines, tuple(e.text for e in kept), whole, len(sizes), total, scripted / max(1, letters))


def _lines(section: str) -> list[str]:
    """The lines of a section, a long line as several: the same cut for both samples, so that they compare."""
    return [piece for line in section.split("\n") for piece in passages(line, _LINE_BYTES)]
