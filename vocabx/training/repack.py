"""The packed text of a run, tokenized by another tokenizer: the same text in the same order.

The sequences of the run are read in its order. Their documents, or pieces of long ones, are tokenized again
and packed anew, a few sequences at a time, so that two models that have read as many bytes have read the same
text, to within such a window.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from vocabx.progress import Advance
from vocabx.tokenizer.fast import FastTokenizer
from vocabx.training.order import Order
from vocabx.training.packed import Ends, PackedText, best_fit, packed_row, split_body

_WINDOW = 32
# What a tokenizer of bytes makes of a character that a long document was split in.
_SPLIT = "�"


@dataclass(frozen=True)
class Tokenization:
    """A tokenizer, and the ids around each document."""

    tokenizer: FastTokenizer
    ends: Ends


@dataclass(frozen=True)
class OrderedText:
    """The packed sequences of a run.

    Attributes:
        target, replay: the packed texts; replay is None if none is mixed in.
        order: their order.
        tokenization: how they were tokenized.
    """

    target: PackedText
    replay: PackedText | None
    order: Order
    tokenization: Tokenization

    def pieces(self, position: int) -> list[tuple[list[int], bool]]:
        """The texts in the sequence at a position, without the ids around them, each with whether its
        document ends there.
        """
        source, number = self.order.at(position)
        text = self.target if source == "target" or self.replay is None else self.replay
        ends, found = self.tokenization.ends, []
        for piece in text.pieces(number):
            whole = piece[-1] == ends.end
            found.append((piece[1:-1] if whole else piece[1:], whole))
        return found


def repacked_text(
    text: OrderedText,
    tokenization: Tokenization,
    wanted: int,
    seed: int,
    path: Path,
    advance: Advance = lambda done: None,
) -> PackedText:
    """Write the beginning of a run's text in another tokenization, in the order of the run.

    Args:
        text: the run's text.
        tokenization: the other tokenization.
        wanted: number of sequences to write, rounded up to whole windows.
        seed: of the order inside a window.
        path: the file to write.
        advance: called with sequences written.
    """
    length, written = text.target.length, 0
    with path.open("wb") as stream:
        for window in count():
            if written >= wanted:
                break
            pieces = list(
                _pieces(text, tokenization, range(window * _WINDOW, (window + 1) * _WINDOW), length)
            )
            bins = best_fit(pieces, length)
            # Packing puts long texts first.
            for index in np.random.Generator(np.random.PCG64([seed, window])).permutation(len(bins)):
                stream.write(packed_row(bins[index], length, tokenization.ends.end).tobytes())
            written += len(bins)
            advance(len(bins))
    return PackedText(path, length)


def _pieces(
    text: OrderedText, tokenization: Tokenization, positions: range, length: int
) -> Iterator[list[int]]:
    found = [piece for position in positions for piece in text.pieces(position)]
    texts = text.tokenization.tokenizer.rust.decode_batch(
        [ids for ids, _ in found], skip_special_tokens=False
    )
    encoded = tokenization.tokenizer.encode([one.strip(_SPLIT) for one in texts])
    for ids, (_, whole) in zip(encoded, found, strict=True):
        body = [*ids, tokenization.ends.end] if whole else ids
        yield from split_body(body, tokenization.ends, length)
