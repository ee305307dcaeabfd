"""How the base spells each new token: the old ids that its merges join."""

from collections.abc import Iterable

from vocabx.tokenizer.byte_level import ByteLevelTokenizer, Merge


def pieces_of(base: ByteLevelTokenizer, merges: Iterable[Merge]) -> dict[bytes, tuple[int, ...]]:
    """Old ids of each new token, in the order of the tokens' ids.

    Following the merges gives the cut that the base makes inside running text, also for a token that is
    no whole character and so has no text that could be cut.

    Args:
        base: the base.
        merges: the new merges in rank order.
    """
    spelled: dict[bytes, tuple[int, ...]] = {data: (index,) for index, data in base.token_bytes.items()}
    new: dict[bytes, tuple[int, ...]] = {}
    for merge in merges:
        if merge.token not in spelled:
            new[merge.token] = spelled[merge.token] = spelled[merge.left] + spelled[merge.right]
    return new
