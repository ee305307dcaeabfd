"""Text that must not change: which new tokens it would hold.

New tokens rank behind the base's, so the first that acts on a text joins two neighbours of the base's own
cut, and the text's final cut holds it or what it became. Without those tokens the text is cut as
before.
"""

from collections.abc import Sequence

import numpy as np

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge

_BATCH = 1024


def fired(base: FastTokenizer, extended: FastTokenizer, texts: Sequence[str]) -> tuple[set[bytes], list[str]]:
    """The new tokens of `extended` that `texts` hold, by their bytes, and the texts that hold some."""
    new = np.zeros(extended.size, dtype=bool)
    new[[index for index, data in extended.token_bytes.items() if data not in base.known_bytes]] = True
    found: set[int] = set()
    touched: list[str] = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        for text, ids in zip(batch, extended.encode(batch), strict=True):
            present = [index for index in ids if new[index]]
            if present:
                found.update(present)
                touched.append(text)
    return {extended.token_bytes[index] for index in found}, touched


def without_fired(base: FastTokenizer, candidates: Sequence[Merge], texts: Sequence[str]) -> list[Merge]:
    """`candidates` less those that make a token which `texts` would hold, or need one as a part.

    Merges of two tokens that only spell another way to a token of the base go too: they would change
    a text without leaving a new token in it. A text without a new token holds none of fewer candidates
    either, so each round looks only at those that held some.
    """
    kept = [merge for merge in candidates if merge.token not in base.known_bytes]
    while texts:
        doomed, texts = fired(base, base.extended(kept, base.size), texts)
        for merge in kept:
            if base.needs_parts and {merge.left, merge.right} & doomed:
                doomed.add(merge.token)
        kept = [merge for merge in kept if merge.token not in doomed]
    return kept
