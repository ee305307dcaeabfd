"""What an encoder is trained to predict: whole words, or linguistic entities, hidden in each packed sequence.

Of a sequence, 15 % of the tokens are chosen, unit by unit, in a drawn order; 80 % of these are replaced by
the mask token, 10 % by a drawn one and 10 % stay (BERT, arXiv 1810.04805; whole words as in its later
release). The draw is a pure function of the seed and the position of the sequence in the run, so that each
epoch hides other words, and a resumed run the same.

words     a unit is a word of the language with all of its tokens
entities  Linguistic Entity Masking (arXiv 2501.05700): a unit is a noun, a verb or a named entity, of which
          one token is hidden; other words are never hidden
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vocabx.training.packed import FIRST, IGNORED, NEXT, PADDING, ids_of

Masked = Literal["words", "entities"]
SHARE = 0.15
_MASKED, _DRAWN = 0.8, 0.1


class Hiding(Protocol):
    """Hides some of a packed sequence; a pure function of the sequence and its position in the run."""

    def item(self, stored: NDArray[np.uint32], position: int) -> dict[str, Any]:
        """The arguments of `MaskedLoss` for one sequence, each int64 and of one length in all sequences."""


@dataclass(frozen=True)
class Masking:
    """How sequences of an encoder are hidden.

    Attributes:
        kind: "words" or "entities".
        mask: the id of the mask token.
        drawn: the ids that a hidden token may be replaced by, (n,) int64.
        around: the ids of special tokens around texts, which count as no text.
        seed: of all draws.
    """

    kind: Masked
    mask: int
    drawn: NDArray[np.int64] = field(repr=False)
    around: Sequence[int]
    seed: int

    def item(self, stored: NDArray[np.uint32], position: int) -> dict[str, Any]:
        """A packed sequence as input of an encoder.

        Args:
            stored: (L,), with marks.
            position: of the sequence in the run.

        Returns:
            `input_ids`, `attention_mask` and `labels`, each (L,) int64.
        """
        ids, real = ids_of(stored), (stored & PADDING) == 0
        random = np.random.Generator(np.random.PCG64([self.seed & 0xFFFFFFFF, position, 1]))
        chosen = self._chosen(stored, ids, real, random)
        labels = np.full(len(ids), IGNORED, dtype=np.int64)
        labels[chosen] = ids[chosen]
        roll = random.random(len(chosen))
        ids[chosen[roll < _MASKED]] = self.mask
        replaced = chosen[(roll >= _MASKED) & (roll < _MASKED + _DRAWN)]
        ids[replaced] = self.drawn[random.integers(len(self.drawn), size=len(replaced))]
        return {"input_ids": ids, "attention_mask": real.astype(np.int64), "labels": labels}

    def _chosen(
        self,
        stored: NDArray[np.uint32],
        ids: NDArray[np.int64],
        real: NDArray[np.bool_],
        random: np.random.Generator,
    ) -> NDArray[np.int64]:
        """The tokens of a sequence that are predicted, ascending: as many units as fit 15 % of its text."""
        units = units_in(stored)
        text = int((real & ~np.isin(ids, self.around)).sum())
        left = max(1, round(SHARE * text))
        found: list[int] = []
        for number in random.permutation(len(units)):
            first, end = units[number]
            if self.kind == "entities":
                first = int(random.integers(first, end))
                end = first + 1
            # As BERT does, a word that would exceed the share is left out for a shorter one.
            if end - first <= left:
                found.extend(range(first, end))
                left -= end - first
            if not left:
                break
        return np.array(sorted(found), dtype=np.int64)


def units_in(stored: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """Where the units of a packed sequence begin and end; one that a long document was split in is two."""
    first, of_unit = (stored & FIRST) != 0, (stored & (FIRST | NEXT)) != 0
    starts = np.flatnonzero(of_unit & (first | ~np.r_[False, of_unit[:-1]]))
    # A unit ends where another begins, or at a token of none.
    borders = np.flatnonzero(np.r_[first | ~of_unit, True])
    ends = borders[np.searchsorted(borders, starts, side="right")]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
