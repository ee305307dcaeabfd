"""The rules that one document is judged by, alone. Those that compare documents are in `quality`.

After the rules of EvalWeb (arXiv 2311.01149 and its code), without the one that drops documents equal to
their Simplified form: it would drop all of Traditional Chinese.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import regex

from vocabx.corpus.ngrams import ngram_hashes
from vocabx.corpus.scripts import letter_pattern, letters_of

SHORT = "short"
SHORT_LINES = "short lines"
OTHER_SCRIPT = "other script"
REPETITIVE = "repetitive"
_FEWEST_CHARACTERS = 200
_SHORTEST_MEAN_LINE = 10
_LEAST_SCRIPT = 0.3
_NGRAM = 13
_MOST_REPEATED = 0.5
# Characters that the shares are computed on, from the beginning of a document.
_LOOKED_AT = 4000


class Rules:
    """Judges documents by their lengths, their script and their repetitions.

    Args:
        scripts: Unicode script names of the language.
    """

    def __init__(self, scripts: Iterable[str]) -> None:
        self._in_script = regex.compile(f"{letter_pattern(scripts).pattern}++", regex.V1)

    def judge(self, texts: Sequence[str], parts: Sequence[bool]) -> list[str]:
        """For each text the rule that drops it, the first one that does, or "".

        Args:
            texts: cleaned documents.
            parts: which of them are parts of a text without records, whose lengths say nothing.
        """
        repeated = _repeated_shares([text[:_LOOKED_AT] for text in texts])
        return [
            self._judge(text, part, share) for text, part, share in zip(texts, parts, repeated, strict=True)
        ]

    def _judge(self, text: str, part: bool, repeated: float) -> str:
        if not part and len(text) < _FEWEST_CHARACTERS:
            return SHORT
        lines = 1 + text.count("\n") - text.count("\n\n")
        if not part and len(text) < _SHORTEST_MEAN_LINE * lines:
            return SHORT_LINES
        head = text[:_LOOKED_AT]
        # Marks are left out on both sides.
        own = letters_of("".join(self._in_script.findall(head)))
        if own < _LEAST_SCRIPT * max(1, letters_of(head)) or not own:
            return OTHER_SCRIPT
        return REPETITIVE if repeated > _MOST_REPEATED else ""


def _repeated_shares(texts: Sequence[str]) -> list[float]:
    """For each text, the share of its 13-grams of characters that occur earlier in it, too."""
    hashes, offsets = ngram_hashes(texts, _NGRAM)
    counts = np.diff(offsets)
    # The number of the text in the upper bits: one sort for all.
    owner = np.repeat(np.arange(len(texts), dtype=np.uint64), counts)
    keys = np.sort((owner << np.uint64(48)) | (hashes >> np.uint64(16)))
    again = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(48)
    repeated = np.bincount(again.astype(np.int64), minlength=len(texts))
    shares: list[float] = (repeated / np.maximum(counts, 1)).tolist()
    return shares
