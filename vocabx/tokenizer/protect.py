"""Protected text, whose tokenization must not change: which new tokens occur in it.

New tokens rank after the base's, so the first one to apply to a text joins two adjacent tokens of the
base's own tokenization, and the final tokenization contains it or a token built from it. Without those tokens
the text is tokenized as before.
"""

from collections.abc import Sequence

import numpy as np

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge

_BATCH = 1024


def occurring(
    base: FastTokenizer, extended: FastTokenizer, texts: Sequence[str]
) -> tuple[set[bytes], list[str]]:
    """The bytes of the new tokens of `extended` that occur in `texts`, and the texts that contain any."""
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


def without_occurring(base: FastTokenizer, candidates: Sequence[Merge], texts: Sequence[str]) -> list[Merge]:
    """`candidates` without those whose token would occur in `texts`, or that need such a token as a part.

    Merges that only add another derivation of a base token are removed too: they would change a text without
    leaving a new token in it. A text without new tokens has none with fewer candidates either, so each round
    looks only at the texts that had some.
    """
    kept = [merge for merge in candidates if merge.token not in base.known_bytes]
    while texts:
        doomed, texts = occurring(base, base.extended(kept, base.size), texts)
        for merge in kept:
            if base.needs_parts and {merge.left, merge.right} & doomed:
                doomed.add(merge.token)
        kept = [merge for merge in kept if merge.token not in doomed]
    return kept
