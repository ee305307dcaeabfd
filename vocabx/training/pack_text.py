"""Training text: documents in their order, without held-out ones, tokenized and packed on disk.

Text is streamed once. A file next to the packed text records how it was made, so a resumed run can reuse it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from vocabx.corpus.clean import clean
from vocabx.corpus.sample import Corpus
from vocabx.corpus.sketch import Sketch
from vocabx.corpus.source import TextSource
from vocabx.errors import CorpusError
from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.marks import Marker
from vocabx.training.packed import Ends, PackedText, pack
from vocabx.training.pair_text import PairText

# Beside a packed text, what it holds.
SKETCH = ".sketch"
_BATCH = 256


@dataclass(frozen=True)
class Recipe:
    """Everything that determines the packed form of a text.

    Attributes:
        tokenizer: the tokenizer.
        ends: the ids around each document.
        length: tokens per sequence.
        limit: maximum number of bytes to read.
        marker: marks the units of a text that an encoder is trained on; None for one that is read in order.
        pairs: sentences and their translations, each pair a document after those of the text.
    """

    tokenizer: FastTokenizer
    ends: Ends
    length: int
    limit: int
    marker: Marker | None = None
    pairs: PairText | None = None

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, with marks where units have some."""
        return self.tokenizer.encode(texts) if self.marker is None else self.marker.encode(texts)


def packed_text(
    source: TextSource, corpus: Corpus, recipe: Recipe, path: Path, advance: Advance = lambda done: None
) -> PackedText:
    """Pack a text, or reuse its packed form.

    Args:
        source: the text.
        corpus: a sample of it, whose held-out sections are left out.
        recipe: how to pack it.
        path: the file of the packed text.
        advance: called with bytes of the source read.

    Raises:
        CorpusError: if no training text is left.
    """
    record, wanted = path.with_suffix(".json"), _record(source, corpus, recipe)
    # Not what it says matters, but whether it says the same: a damaged one does not.
    if record.is_file() and path.is_file() and record.read_bytes() == wanted.encode():
        return PackedText(path, recipe.length)
    record.unlink(missing_ok=True)
    sketch = Sketch()
    texts = _sketched(_documents(source, corpus, recipe.limit, advance), sketch)
    further = recipe.pairs.encoded(recipe.ends) if recipe.pairs else ()
    packed = pack(chain(_encoded(texts, recipe), further), recipe.ends, recipe.length, path)
    path.with_suffix(SKETCH).write_text(sketch.to_text(), encoding="ascii")
    if not len(packed):
        raise CorpusError(f"{source.description} holds no text besides what is held out: pass more text")
    record.write_text(wanted, encoding="utf-8")
    return packed


def _documents(source: TextSource, corpus: Corpus, limit: int, advance: Advance) -> Iterator[str]:
    taken, position = 0, ("", 0)
    for document in source.open():
        before = position[1] if position[0] == document.source else 0
        position = (document.source, document.bytes_read)
        advance(document.bytes_read - before)
        text = corpus.without_heldout(clean(document.text))
        if text.strip():
            taken += len(text.encode())
            yield text
        if taken >= limit:
            return


def read_sketch(directory: Path) -> str:
    """The sketch of all texts that were packed in a directory, as text; "" of an earlier version."""
    sketch = Sketch()
    for path in sorted(directory.glob(f"*{SKETCH}")):
        try:
            sketch.join(Sketch.of_text(path.read_text(encoding="utf-8")))
        except ValueError:
            # A damaged file; the run itself does not need it.
            continue
    return sketch.to_text()


def _sketched(documents: Iterator[str], sketch: Sketch) -> Iterator[str]:
    for text in documents:
        sketch.add(text)
        yield text


def _encoded(documents: Iterator[str], recipe: Recipe) -> Iterator[list[int]]:
    while texts := list(islice(documents, _BATCH)):
        yield from recipe.encode(texts)


def _record(source: TextSource, corpus: Corpus, recipe: Recipe) -> str:
    heldout = hashlib.sha256("\0".join(corpus.heldout).encode()).hexdigest()
    tokenizer = hashlib.sha256(json.dumps(recipe.tokenizer.spec, sort_keys=True).encode()).hexdigest()
    content = {
        "source": source.description,
        "documents": corpus.documents,
        "bytes": corpus.bytes_read,
        "heldout": heldout,
        "tokenizer": tokenizer,
        "ends": [recipe.ends.begin, recipe.ends.end],
        "length": recipe.length,
        "limit": recipe.limit,
    }
    if recipe.marker is not None:
        content["units"] = [recipe.marker.kind, recipe.marker.segmentation]
    if recipe.pairs is not None:
        content["pairs"] = recipe.pairs.digest()
    return json.dumps(content, ensure_ascii=False, indent=2)
