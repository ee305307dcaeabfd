"""What adversarial strings are drawn from: numbers, characters, words and special tokens, from one seed.

A seed gives the same ones on every Python: the only source of randomness is random(), whose stream Python
guarantees.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Item = TypeVar("_Item")
# First and last code points, both included.
Ranges = tuple[tuple[int, int], ...]

LATIN: Ranges = ((0x61, 0x7A),)
# Special tokens of well-known tokenizers; plain text to most others.
_KNOWN_LITERALS = ("<|im_start|>", "<|endoftext|>", "<|begin_of_text|>", "<s>", "</s>", "<unk>", "<pad>",
                   "[CLS]", "[SEP]", "[UNK]", "[MASK]", "[INST]", "<start_of_turn>",
                   "<extra_id_0>")  # fmt: skip
# Up to so many characters are drawn faster one by one.
_FEW = 100


class Draw:
    """The random source of all kinds, and the special tokens they draw from."""

    def __init__(self, seed: int, literals: Sequence[str]) -> None:
        self._source = random.Random(seed)
        self._random = self._source.random
        self._literals = [literal for literal in literals if literal]

    def number(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, items: Sequence[_Item]) -> _Item:
        """One of the items."""
        return items[int(self._random() * len(items))]

    def several(self, items: Sequence[_Item], low: int, high: int) -> list[_Item]:
        """From low to high of the items, drawn with replacement."""
        random, size = self._random, len(items)
        return [items[int(random() * size)] for _ in range(self.number(low, high))]

    def point(self, ranges: Ranges) -> str:
        """A character of one of the ranges; every range is equally likely, whatever its length."""
        return chr(self.number(*self.pick(ranges)))

    def text(self, ranges: Ranges, low: int, high: int) -> str:
        """From low to high characters of the ranges, as `point` draws them."""
        # Most characters are drawn here: without a call of `point` for each in a third of the time.
        random, size, count = self._random, len(ranges), self.number(low, high)
        if count > _FEW:
            return self._long_text(ranges, count)
        characters = []
        for _ in range(count):
            first, last = ranges[int(random() * size)]
            characters.append(chr(first + int(random() * (last - first + 1))))
        return "".join(characters)

    def _long_text(self, ranges: Ranges, count: int) -> str:
        """The same characters that `text` would draw one by one."""
        numbers = self._numbers(2 * count).reshape(count, 2)
        bounds = np.array(ranges)[(numbers[:, 0] * len(ranges)).astype(np.int64)]
        within = (numbers[:, 1] * (bounds[:, 1] - bounds[:, 0] + 1)).astype(np.int64)
        characters: bytes = (bounds[:, 0] + within).astype("<u4").tobytes()
        return characters.decode("utf-32-le")

    def _numbers(self, count: int) -> NDArray[np.float64]:
        """What random() would return next, (count,) float64: numpy's old generator is the same one."""
        kind, state, rest = self._source.getstate()
        stream = np.random.RandomState()
        # The last two belong to normal distributions.
        stream.set_state(("MT19937", np.array(state[:-1], dtype=np.uint32), state[-1], 0, 0.0))
        numbers = stream.random_sample(count)
        _, words, position, *_ = stream.get_state()
        self._source.setstate((kind, (*map(int, words), int(position)), rest))
        return numbers

    def word(self) -> str:
        """From one to eight small Latin letters."""
        return self.text(LATIN, 1, 8)

    def words(self, low: int, high: int) -> list[str]:
        """From low to high such words."""
        return [self.word() for _ in range(self.number(low, high))]

    def literal(self) -> str:
        """A special token: of this tokenizer three times out of four, else of another."""
        return self.pick(self._literals if self._literals and self.number(0, 3) else _KNOWN_LITERALS)
