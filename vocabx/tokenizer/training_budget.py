"""How many new tokens a training budget supports: as many as it will see often enough to learn them.

A token embedding learns from the occurrences of its own token. Where training reads few megabytes, many of
8,000 tokens would occur once or never, and text that they are in would be predicted worse than by their
pieces. So of the tokens that are added, nine of ten shall occur `LEAST` times in the budget, if the text
there is like the text that tokens are learned from. The bounds are inferred.
"""

from collections.abc import Callable
from math import ceil

from vocabx.errors import TokenizerError
from vocabx.tokenizer.select import Selection

LEAST = 4
MOST_RARE = 0.1
# How many times more tokens are known to be too many, at most.
_NEAR = 1.1


def supported_by(
    budget: int, text_bytes: int, selection: Selection, select: Callable[[int], Selection]
) -> Selection:
    """The largest selection of which a training budget sees enough, to within a tenth.

    Fewer tokens occur more often each, since a longer token takes occurrences from those it is built from. So
    the number is first lowered until the share of rare tokens is small: of 1,000 tokens of which 630 occur
    often enough, the next round takes 700. Then it is bisected between the last two.

    Args:
        budget: bytes of text that training will read.
        text_bytes: bytes of the text that `selection` counts its tokens in.
        selection: the tokens to begin with.
        select: makes a selection of a given number of tokens.

    Raises:
        TokenizerError: no token occurs often enough.
    """
    least = LEAST * text_bytes / budget

    def frequent(one: Selection) -> int:
        return int((one.usage >= least).sum())

    def is_seen(one: Selection) -> bool:
        return len(one.usage) - frequent(one) <= MOST_RARE * len(one.usage)

    too_many = 0
    while not is_seen(selection):
        often, too_many = frequent(selection), len(selection.usage)
        if not often:
            raise TokenizerError(
                f"no new token would occur {LEAST} times in a budget of {budget:,} bytes: raise --budget, or "
                "train the base without new tokens"
            )
        selection = select(min(too_many - 1, ceil(often / (1 - MOST_RARE))))
    while too_many > _NEAR * len(selection.usage) + 1:
        middle = (len(selection.usage) + too_many) // 2
        found = select(middle)
        if is_seen(found) and len(found.usage) > len(selection.usage):
            selection = found
        else:
            too_many = middle
    return selection
