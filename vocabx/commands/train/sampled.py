"""The beginning of a text: how many tokens it has, and how long reading takes, for estimates of the whole."""

import time
from dataclasses import dataclass

from vocabx.corpus.clean import clean
from vocabx.corpus.sketch import sketch_of
from vocabx.corpus.source import TextSource
from vocabx.tokenizer.fast import FastTokenizer

_SAMPLE = 200_000


@dataclass(frozen=True)
class SampledText:
    """The beginning of a text: its tokens and bytes, the bytes of the source read for it, and the seconds."""

    tokens: int
    size: int
    read: int
    seconds: float


def sample_beginning(source: TextSource, tokenizer: FastTokenizer) -> SampledText:
    """Read, clean, tokenize and sketch the first 200 kB of a text, as a run does with all of it."""
    texts: list[str] = []
    read = size = 0
    tokenizer.encode([""])
    start = time.perf_counter()
    for document in source.open():
        texts.append(clean(document.text))
        # The source may be compressed, so bytes read and bytes of text differ.
        read, size = document.bytes_read, size + len(document.text.encode())
        if size >= _SAMPLE:
            break
    tokens = sum(map(len, tokenizer.encode(texts)))
    sketch_of(texts)
    return SampledText(tokens, size, read, time.perf_counter() - start)
