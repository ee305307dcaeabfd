"""From text to an extended tokenizer: cut, learn, select, extend, in one call."""

from collections.abc import Sequence
from dataclasses import dataclass

from vocabx.progress import Progress
from vocabx.tokenizer.alphabet import Alphabet
from vocabx.tokenizer.byte_level import ByteLevelTokenizer, Merge
from vocabx.tokenizer.learn import learn_merges
from vocabx.tokenizer.pieces import pieces_of
from vocabx.tokenizer.select import Selection, select_merges
from vocabx.tokenizer.units import cut_units

_CURVE_FACTOR = 2


@dataclass(frozen=True)
class Extension:
    """An extended tokenizer and how it came about.

    Attributes:
        base, tokenizer: before and after.
        selection: the merges bought, with their usage in the learning text.
        further: merges that were learned and not bought, most useful first: what more tokens would bring.
        pieces: old ids of each new token, in id order.
    """

    base: ByteLevelTokenizer
    tokenizer: ByteLevelTokenizer
    selection: Selection
    further: tuple[Merge, ...]
    pieces: dict[bytes, tuple[int, ...]]


def extend_tokenizer(
    base: ByteLevelTokenizer,
    lines: Sequence[str],
    alphabet: Alphabet,
    new_tokens: int,
    first_id: int,
    progress: Progress,
) -> Extension:
    """Learn `new_tokens` tokens from `lines` and add them to `base`.

    Args:
        base: the tokenizer to extend.
        lines: the text to learn from.
        alphabet: the characters that new tokens may hold.
        new_tokens: how many.
        first_id: id of the first one, at least `base.size`.
        progress: told of each stage.

    Raises:
        TokenizerError: the text does not support so many tokens.
    """
    with progress.stage("Cutting the text with the base", len(lines), "lines") as advance:
        units = cut_units(base, lines, alphabet.allows_token, advance)
    with progress.stage("Learning tokens", unit="B") as advance:
        candidates = learn_merges(base, units, _CURVE_FACTOR * new_tokens, alphabet.allows_token)
        # The trainer says nothing while it works.
        advance(sum(len(line.encode()) for line in lines))
    with progress.stage("Choosing the tokens that are used", unit="lines") as advance:
        selection = select_merges(base, candidates, lines, new_tokens, advance=advance)
    bought = {merge.token for merge in selection.merges}
    further = tuple(merge for merge in candidates if merge.token not in bought)
    tokenizer = base.extended(selection.merges, first_id)
    return Extension(base, tokenizer, selection, further, pieces_of(base, selection.merges))
