"""Protected text, whose tokenization must not change: which new tokens occur in it.

New tokens rank after the base's, so the first one to apply to a text joins two adjacent tokens of the
base's own tokenization. The final tokenization contains it or a token built from it, which may be an old one
that the base itself could not reach. Without those new tokens the text is tokenized as before.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merges import Merge

_BATCH = 1024


def occurring(
    base: FastTokenizer, extended: FastTokenizer, texts: Sequence[str]
) -> tuple[set[bytes], list[str]]:
    """The bytes of the new tokens that change how `texts` are tokenized, and the texts that they change."""
    fresh = {index: data for index, data in extended.token_bytes.items() if data not in base.known_bytes}
    new = np.zeros(extended.size, dtype=bool)
    new[list(fresh)] = True
    found: set[bytes] = set()
    touched: list[str] = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        for text, old, ids in zip(batch, base.encode(batch), extended.encode(batch), strict=True):
            present = {extended.token_bytes[index] for index in ids if new[index]}
            if present or ids != old:
                found |= present or _hidden(extended, text, ids, fresh.values())
                touched.append(text)
    return found, touched


def _hidden(tokenizer: FastTokenizer, text: str, ids: Sequence[int], new: Iterable[bytes]) -> set[bytes]:
    """The `new` tokens from which tokens of the base in `ids` may have been built.

    In WordPiece, a new token may also begin a word whose rest is no piece, which makes the word unknown:
    then, those that are part of the text.
    """
    parts = [tokenizer.token_bytes.get(index, b"") for index in set(ids)]
    built = {token for token in new if any(token in part for part in parts)}
    normal = tokenizer.normal(text).encode()
    return built or {token for token in new if token.removeprefix(b" ") in normal}


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
