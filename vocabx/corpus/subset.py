"""The best part of a text by perplexity, for several passes over it instead of one over everything.

After arXiv 2406.14833, which takes the documents of lowest perplexity under a small n-gram model of a
reference corpus. Without such a model (`--perplexity-model`), documents are ranked by what is typical of the
text itself (inferred): it is divided in two by a hash of each document, and each half is judged by a
`CharacterModel` of the other.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vocabx.corpus.bottom_k import BottomK, Origin
from vocabx.corpus.character_model import CharacterModel
from vocabx.corpus.clean import clean
from vocabx.corpus.document import Document
from vocabx.corpus.languages import Language
from vocabx.corpus.perplexity import Perplexity
from vocabx.corpus.several import joined_source
from vocabx.corpus.source import TextSource

# Bytes of each half that a model is made of, characters of a document in it, and characters that are judged.
_LEARNED, _OF_DOCUMENT, _JUDGED = 4_000_000, 8_000, 2_000
_BATCH = 256
_KEY = b"subset"

Judge = Callable[[Sequence[str]], list[float]]


def subset_source(
    source: TextSource, language: Language, size: int, limit: int, model: str = ""
) -> TextSource:
    """The documents of lowest perplexity, in the order of the text; of several languages, as much of each.

    They are chosen when the source is first read. A document that is longer than what is left of `size` is
    the last one.

    Args:
        source: the text.
        language: one or several, with their scripts.
        size: bytes of text wanted.
        limit: bytes of the text, from its beginning, to choose from.
        model: an n-gram model of KenLM, or "".

    """
    if source.parts:
        share, among = size // len(source.parts), limit // len(source.parts)
        pairs = zip(language.parts, source.parts, strict=True)
        return joined_source(
            language.parts, [subset_source(text, one, share, among, model) for one, text in pairs]
        )
    chosen = _Chosen(source, language, size, limit, model)
    how = f"under {model}" if model else "by its own n-grams"
    return replace(
        source,
        description=f"{source.description}, {size:,} bytes of lowest perplexity {how}",
        open=chosen.open,
    )


class _Chosen:
    """The chosen documents of a source, by their numbers in it."""

    def __init__(self, source: TextSource, language: Language, size: int, limit: int, model: str) -> None:
        self._source, self._size, self._limit, self._model = source, size, limit, model
        self._spaces = language.segmentation == "spaces"
        self._numbers: frozenset[int] | None = None

    def open(self) -> Iterator[Document]:
        """The chosen documents, in the order of the text."""
        if self._numbers is None:
            if self._model:
                judge: Judge = Perplexity(Path(self._model), self._spaces).of
            else:
                judge = _typical(_texts(self._source, self._limit))
            values, sizes = _judged(_texts(self._source, self._limit), judge)
            self._numbers = frozenset(lowest(values, sizes, self._size).tolist())
        for number, document in enumerate(self._source.open()):
            if number in self._numbers:
                yield document


def lowest(values: NDArray[np.float64], sizes: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The places of the lowest values whose sizes reach `size`, or of all; of equal values the first.

    Args:
        values, sizes: one of each for every document, (n,).
        size: the sum wanted.
    """
    order = np.argsort(values, kind="stable")
    taken = np.concatenate([[0], np.cumsum(sizes[order])[:-1]]) if len(order) else np.zeros(0)
    return np.asarray(order[taken < size], dtype=np.int64)


def _texts(source: TextSource, limit: int) -> Iterator[str]:
    read = 0
    for document in source.open():
        if read >= limit:
            return
        text = clean(document.text)
        read += len(text.encode())
        yield text


def _judged(texts: Iterator[str], judge: Judge) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    values: list[float] = []
    sizes: list[int] = []
    while batch := list(islice(texts, _BATCH)):
        values += judge([text[:_JUDGED] for text in batch])
        sizes += [len(text.encode()) for text in batch]
    return np.array(values, dtype=np.float64), np.array(sizes, dtype=np.int64)


def _typical(texts: Iterator[str]) -> Judge:
    """Judges each text by a model of those in the other half."""
    halves = [BottomK(_LEARNED, _KEY), BottomK(_LEARNED, _KEY)]
    for text in texts:
        part = text[:_OF_DOCUMENT]
        encoded, half = part.encode(), halves[_half(text)]
        priority = half.priority(encoded)
        if priority is not None:
            half.keep(priority, part, len(encoded), Origin(encoded[:8], len(encoded)))
    models = [CharacterModel([text for text, _ in half.texts()]) for half in halves]

    def judge(batch: Sequence[str]) -> list[float]:
        found = np.zeros(len(batch))
        for half in range(2):
            places = [place for place, text in enumerate(batch) if _half(text) == half]
            found[places] = models[1 - half].of([batch[place] for place in places])
        judged: list[float] = found.tolist()
        return judged

    return judge


def _half(text: str) -> int:
    """The half that a text is in, by its first characters."""
    return hashlib.blake2b(text[:_JUDGED].encode(), digest_size=1, key=_KEY).digest()[0] & 1
