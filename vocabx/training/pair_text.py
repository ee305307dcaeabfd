"""Sentences with their translations, as documents that an encoder fills in from both sides.

Translation language modeling (XLM, arXiv 1901.07291): words are hidden in both sentences, so that one can be
found in the translation. Here the separator between the two is the id that ends a text, and positions run on
through both, as in the models that transformers has; XLM restarts them and adds embeddings of the languages.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vocabx.corpus.translations import Pair, translations_in
from vocabx.training.marks import Marker
from vocabx.training.packed import Ends


@dataclass(frozen=True)
class PairText:
    """The pairs of a file.

    Attributes:
        path: the file, see `translations_in`.
        markers: of the sentences in the first column, and of those in the second.
    """

    path: Path
    markers: tuple[Marker, Marker]

    def encoded(self, ends: Ends) -> Iterator[list[int]]:
        """The ids of each pair, with marks, and the id that ends a text between both sentences."""
        batch: list[Pair] = []
        for pair in translations_in(self.path):
            batch.append(pair)
            if len(batch) == _BATCH:
                yield from self._batch(batch, ends)
                batch = []
        yield from self._batch(batch, ends)

    def digest(self) -> str:
        """The sha256 of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def _batch(self, pairs: list[Pair], ends: Ends) -> Iterator[list[int]]:
        if not pairs:
            return
        sides = [
            marker.encode(texts) for marker, texts in zip(self.markers, zip(*pairs, strict=True), strict=True)
        ]
        for first, second in zip(*sides, strict=True):
            yield [*first, ends.end, *second]


_BATCH = 256
