"""Text that must not change: which new tokens it would hold.

New tokens rank behind the base's, so the first that acts on a text joins two neighbours of the base's own
cut, and the text's final cut holds it or what it became. Without those tokens the text is cut as
before.
"""

from collections.abc import Sequence

from vocabx.tokenizer.fast import FastTokenizer
from vocabx.tokenizer.merge import Merge


def fired(base: FastTokenizer, extended: FastTokenizer, texts: Sequence[str]) -> set[bytes]:
    """The new tokens of `extended` that `texts` hold, by their bytes."""
    if not texts:
        return set()
    usage = extended.usage(texts)
    return {
        data for index, data in extended.token_bytes.items() if usage[index] and data not in base.known_bytes
    }


def without_fired(base: FastTokenizer, candidates: Sequence[Merge], texts: Sequence[str]) -> list[Merge]:
    """`candidates` less those that make a token which `texts` would hold, or need one as a part.

    Merges of two tokens that only spell another way to a token of the base go too: they would change
    a text without leaving a new token in it.
    """
    kept = [merge for merge in candidates if merge.token not in base.known_bytes]
    while doomed := fired(base, base.extended(kept, base.size), texts):
        for merge in kept:
            if base.needs_parts and {merge.left, merge.right} & doomed:
                doomed.add(merge.token)
        kept = [merge for merge in kept if merge.token not in doomed]
    return kept
